/* Files and folders as they are listed; see ftp_listing.h. */
#include "ftp_listing.h"

#include "json.h"
#include "words.h"

#include <stdio.h>

static const struct {
    unsigned bit;
    const char *name;
} facts_known[] = {
    {FTP_TYPE,   "type"  },
    {FTP_SIZE,   "size"  },
    {FTP_MODIFY, "modify"},
    {FTP_PERM,   "perm"  },
};

enum { FACTS = sizeof facts_known / sizeof *facts_known };

unsigned ftp_facts_named(struct view list) {
    unsigned facts = 0;
    while (list.size) {
        struct view name = view_split(&list, ';');
        for (size_t i = 0; i < FACTS; i++)
            if (view_is_caseless(name, facts_known[i].name))
                facts |= facts_known[i].bit;
    }
    return facts;
}

void ftp_put_facts(struct octets *to, unsigned facts, bool mark) {
    for (size_t i = 0; i < FACTS; i++) {
        bool chosen = facts & facts_known[i].bit;
        if (!chosen && !mark)
            continue;
        octets_add_text(to, facts_known[i].name);
        octets_add_text(to, mark && chosen ? "*;" : ";");
    }
}

void ftp_put_time(struct octets *to, time_t time) {
    char text[40];
    if (strftime(text, sizeof text, "%Y%m%d%H%M%S", gmtime(&time)))
        octets_add_text(to, text);
}

static void put_line_end(struct octets *to, struct view name) {
    octets_add(to, name.at, name.size);
    octets_add_text(to, "\r\n");
}

void ftp_put_name(struct octets *to, const struct ftp_node *node, struct view name) {
    (void)node;
    put_line_end(to, name);
}

/* As `ls -l` does it, which is what clients that look into it expect. */
void ftp_put_long(struct octets *to, const struct ftp_node *node, struct view name) {
    char line[120], when[40];
    strftime(when, sizeof when, "%b %d %H:%M", gmtime(&node->changed));
    snprintf(line, sizeof line, "%s 1 ftp ftp %15llu %s ", node->is_folder ? "drwxr-xr-x" : "-rw-r--r--",
             (unsigned long long)ftp_file_size(node), when);
    octets_add_text(to, line);
    put_line_end(to, name);
}

static void put_fact(struct octets *to, const struct ftp_node *node, unsigned fact) {
    if (fact == FTP_TYPE)
        octets_add_text(to, node->is_folder ? "dir" : "file");
    else if (fact == FTP_SIZE)
        json_put_whole(to, (int64_t)ftp_file_size(node));
    else if (fact == FTP_MODIFY)
        ftp_put_time(to, node->changed);
    else
        octets_add_text(to, node->is_folder ? "cdeflmp" : "adfrw");
}

void ftp_put_entry(struct octets *to, const struct ftp_node *node, struct view name, unsigned facts) {
    for (size_t i = 0; i < FACTS; i++) {
        if (!(facts & facts_known[i].bit) || (facts_known[i].bit == FTP_SIZE && node->is_folder))
            continue;
        octets_add_text(to, facts_known[i].name);
        octets_add_text(to, "=");
        put_fact(to, node, facts_known[i].bit);
        octets_add_text(to, ";");
    }
    octets_add_text(to, " ");
    put_line_end(to, name);
}
