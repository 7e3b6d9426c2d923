/* The command `load`; see load.h. */
#include "load.h"

#include "loop.h"
#include "payload.h"
#include "report.h"
#include "running.h"

#include <stdlib.h>

enum { MOST_PARALLEL = 10000, PIECE = 64 * 1024 };

struct load {
    struct running running;
    struct report report;
    struct address address;
    uint8_t *octets;
    size_t size;
    uint64_t conversations, begun, over, failed;
    int64_t t0;
    struct slot *slots; /* one for each conversation in flight */
    size_t slot_count, busy;
};

struct slot {
    struct load *load;
    struct watch watch;
    sock_t sock;
    bool connected, shut;
    size_t sent;
    uint64_t received;
};

enum turn { WAIT_ON, GOOD, BAD };

static enum turn read_back(struct slot *slot) {
    static uint8_t piece[PIECE];
    size_t got;
    for (;;) {
        int code = net_read(slot->sock, piece, sizeof piece, &got);
        if (code)
            return net_would_block(code) ? WAIT_ON : BAD;
        if (!got)
            return slot->shut && slot->received == slot->load->size ? GOOD : BAD;
        slot->received += got;
        if (slot->received > slot->load->size)
            return BAD;
    }
}

static bool send_on(struct slot *slot) {
    const struct load *load = slot->load;
    size_t put = 0;
    while (slot->sent < load->size) {
        int code = net_write(slot->sock, load->octets + slot->sent, load->size - slot->sent, &put);
        slot->sent += put;
        if (code)
            return net_would_block(code);
    }
    slot->shut = true;
    return net_shut_sending(slot->sock) == 0;
}

static enum turn talk(struct slot *slot, short events) {
    if (!slot->connected && net_connect_result(slot->sock) != 0)
        return BAD;
    slot->connected = true;
    if (!slot->shut && !send_on(slot))
        return BAD;
    return events & ~POLLOUT ? read_back(slot) : WAIT_ON;
}

static enum turn begin(struct slot *slot) {
    slot->connected = slot->shut = false;
    slot->sent = 0;
    slot->received = 0;
    if (net_socket(slot->load->address.name.ss_family, SOCK_STREAM, &slot->sock))
        return BAD;
    int code = net_connect(slot->sock, &slot->load->address);
    return code && !net_would_block(code) ? BAD : WAIT_ON;
}

static void hang_up(struct slot *slot) {
    watch_end(&slot->watch);
    if (slot->sock != NO_SOCKET)
        net_close(slot->sock);
    slot->sock = NO_SOCKET;
}

static void end(struct load *load) {
    for (size_t i = 0; i < load->slot_count; i++)
        hang_up(&load->slots[i]);
    step_open(&load->report, "loaded");
    step_whole(&load->report, "conversations", (int64_t)load->over);
    step_whole(&load->report, "failed", (int64_t)load->failed);
    step_whole(&load->report, "t0", load->t0);
    step_close(&load->report);
    report_done(&load->report);
    running_end(&load->running);
    free(load->slots);
    free(load->octets);
    free(load);
}

static void stop(struct running *running) {
    end(owner_of(running, struct load, running));
}

static void count(struct load *load, enum turn turn) {
    load->over++;
    load->failed += turn == BAD;
}

/* Begins conversations in this slot until one has to wait, or all were begun. */
static void use(struct slot *slot) {
    struct load *load = slot->load;
    while (load->begun < load->conversations) {
        load->begun++;
        if (begin(slot) == WAIT_ON) {
            watch_want(&slot->watch, slot->sock, POLLOUT);
            return;
        }
        hang_up(slot);
        count(load, BAD);
    }
    if (--load->busy == 0)
        end(load);
}

static void ready(struct watch *watch, short events) {
    struct slot *slot = owner_of(watch, struct slot, watch);
    enum turn turn = talk(slot, events);
    if (turn == WAIT_ON) {
        watch_want(watch, slot->sock, (short)(slot->shut ? POLLIN : POLLIN | POLLOUT));
        return;
    }
    hang_up(slot);
    count(slot->load, turn);
    use(slot);
}

static bool read_payload(struct load *load, const struct json *command, struct fault *fault) {
    struct payload payload;
    struct source source;
    if (!payload_read(&payload, json_member(command, "payload"), fault))
        return false;
    bool good =
        payload.size <= MOST_HELD || bad_command(fault, "the payload of a load is at most %d octets", MOST_HELD);
    if (good) {
        load->size = (size_t)payload.size;
        load->octets = must_alloc(load->size);
        source_start(&source, &payload, 0);
        source_take(&source, load->octets, load->size);
    }
    payload_free(&payload);
    return good;
}

static bool read_load(struct load *load, const struct json *command, struct fault *fault) {
    uint64_t parallel = 0;
    if (!need_address(command, &load->address, fault) ||
        !need_whole(command, "conversations", UINT32_MAX, &load->conversations, fault) ||
        !need_whole(command, "parallel", MOST_PARALLEL, &parallel, fault))
        return false;
    load->slot_count = (size_t)parallel;
    return (parallel || bad_command(fault, "'parallel' must be 1 at least")) && read_payload(load, command, fault);
}

bool load_start(const struct json *command, char *id, struct fault *fault) {
    struct load *load = must_alloc(sizeof *load);
    if (!read_load(load, command, fault)) {
        free(load);
        return false;
    }
    load->slots = must_alloc(load->slot_count * sizeof *load->slots);
    load->busy = load->slot_count;
    load->t0 = clock_now();
    running_start(&load->running, id, stop);
    report_open(&load->report, id, 0, false);
    for (size_t i = 0, slots = load->slot_count; i < slots; i++)
        load->slots[i] = (struct slot){.load = load, .watch = {.ready = ready}, .sock = NO_SOCKET};
    for (size_t i = 0, slots = load->slot_count; i < slots; i++)
        use(&load->slots[i]); /* the last one may end the load: nothing of it may be looked at after that */
    return true;
}
