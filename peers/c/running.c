/* What is running, by id: a hash table that grows; see running.h. */
#include "running.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

static struct running **chains;
static size_t chain_count, count;

char *running_quote(struct view id) {
    struct octets quoted = {0};
    json_put_text(&quoted, id);
    octets_add(&quoted, "", 1);
    return (char *)quoted.memory;
}

/* FNV-1a, 32 bits. */
static size_t hash(const char *id) {
    uint32_t h = 2166136261U;
    for (; *id; id++)
        h = (h ^ (uint8_t)*id) * 16777619U;
    return h;
}

static struct running **find(const char *id) {
    struct running **link = &chains[hash(id) % chain_count];
    while (*link && strcmp((*link)->id, id) != 0)
        link = &(*link)->next;
    return link;
}

static void grow(void) {
    struct running **old = chains;
    size_t old_count = chain_count;
    chain_count = chain_count ? 2 * chain_count : 256;
    chains = must_alloc(chain_count * sizeof *chains);
    for (size_t i = 0; i < old_count; i++) {
        for (struct running *one = old[i], *next; one; one = next) {
            next = one->next;
            size_t place = hash(one->id) % chain_count;
            one->next = chains[place];
            chains[place] = one;
        }
    }
    free(old);
}

bool running_is(const char *id) {
    return count && *find(id);
}

void running_start(struct running *running, char *id, void (*stop)(struct running *)) {
    if (count >= chain_count)
        grow();
    size_t place = hash(id) % chain_count;
    *running = (struct running){id, stop, chains[place]};
    chains[place] = running;
    count++;
}

void running_end(struct running *running) {
    *find(running->id) = running->next;
    count--;
    free(running->id);
}

bool running_stop(const char *id) {
    struct running *found = count ? *find(id) : NULL;
    if (found)
        found->stop(found);
    return found != NULL;
}

void running_stop_all(void) {
    for (size_t i = 0; i < chain_count; i++)
        while (chains[i])
            chains[i]->stop(chains[i]);
}
