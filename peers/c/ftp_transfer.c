/* What passes over a data connection; see ftp_transfer.h. */
#include "ftp_transfer.h"

#include <string.h>

enum {
    PIECE = 64 * 1024,
    COUNTED_A_TURN = 256 * 1024,
};

void ftp_transfer_clear(struct ftp_transfer *transfer) {
    octets_free(&transfer->list);
    *transfer = (struct ftp_transfer){.takes = false};
}

/* ---- TYPE A: the places of a file, and those of its transfer ---- */

/* How many lines end in so many octets. */
static uint64_t line_ends(const uint8_t *at, size_t size) {
    uint64_t ends = 0;
    for (const uint8_t *end = at + size; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        ends++;
    return ends;
}

/* The zeros of a hole have no lines: what is in front of it need not be looked at. */
static uint64_t hole_of(const struct ftp_node *file) {
    return file->basis && file->basis->kept < file->kept ? file->basis->kept : file->kept;
}

uint64_t ftp_transfer_size(const struct ftp_node *file, bool ascii) {
    uint64_t size = ftp_file_size(file);
    if (!ascii)
        return size;
    for (uint64_t at = hole_of(file); at < ftp_file_size(file);) {
        struct view part = ftp_file_part(file, at, PIECE);
        size += line_ends(part.at, part.size);
        at += part.size;
    }
    return size;
}

/* Passes over so many octets of the transfer, if that many belong to the part. */
static bool pass_over(struct view part, uint64_t *from, uint64_t *at) {
    for (size_t i = 0; i < part.size && *from; i++, ++*at) {
        uint64_t octets = part.at[i] == '\n' ? 2 : 1;
        if (*from < octets)
            return false;
        *from -= octets;
    }
    return true;
}

/* The place in the file to which so many octets of the transfer lead. */
static bool find_place(const struct ftp_node *file, uint64_t from, uint64_t *at) {
    *at = hole_of(file) < from ? hole_of(file) : from;
    from -= *at;
    while (from && *at < ftp_file_size(file))
        if (!pass_over(ftp_file_part(file, *at, PIECE), &from, at))
            return false;
    return !from;
}

/* ---- the beginning ---- */

bool ftp_transfer_begin(struct ftp_transfer *transfer, struct ftp_node *file, bool takes, bool ascii, uint64_t from) {
    ftp_transfer_clear(transfer);
    transfer->file = file;
    transfer->takes = takes;
    transfer->ascii = ascii;
    transfer->at = from;
    if (ascii)
        return find_place(file, from, &transfer->at);
    return from <= ftp_file_size(file);
}

void ftp_transfer_open(struct ftp_transfer *transfer) {
    if (transfer->takes)
        ftp_file_cut(transfer->file, transfer->at);
}

/* ---- octets ---- */

static bool give_list(struct ftp_transfer *transfer, struct octets *out) {
    if (!octets_size(&transfer->list))
        return false;
    octets_add(out, octets_front(&transfer->list), octets_size(&transfer->list));
    octets_clear(&transfer->list);
    return true;
}

bool ftp_transfer_give(struct ftp_transfer *transfer, struct octets *out) {
    if (!transfer->file)
        return give_list(transfer, out);
    struct view part = ftp_file_part(transfer->file, transfer->at, PIECE);
    transfer->at += part.size;
    if (transfer->ascii)
        ftp_ascii_put(out, part);
    else
        octets_add(out, part.at, part.size);
    return part.size != 0;
}

static bool take_lines(struct ftp_transfer *transfer, struct octets *in, bool ended) {
    struct octets lines = {0};
    ftp_ascii_take(&transfer->lines, &lines, (struct view){octets_front(in), octets_size(in)});
    if (ended)
        ftp_ascii_end(&transfer->lines, &lines);
    bool there_is_room = ftp_file_add(transfer->file, (struct view){octets_front(&lines), octets_size(&lines)});
    octets_free(&lines);
    return there_is_room;
}

bool ftp_transfer_take(struct ftp_transfer *transfer, struct octets *in, bool ended) {
    bool there_is_room = transfer->ascii
                             ? take_lines(transfer, in, ended)
                             : ftp_file_add(transfer->file, (struct view){octets_front(in), octets_size(in)});
    octets_clear(in);
    return there_is_room;
}

void ftp_transfer_count(struct ftp_transfer *transfer) {
    transfer->at = 0;
    sha256_start(&transfer->sum);
}

bool ftp_transfer_count_on(struct ftp_transfer *transfer) {
    for (size_t counted = 0; counted < COUNTED_A_TURN;) {
        struct view part = ftp_file_part(transfer->file, transfer->at, PIECE);
        if (!part.size)
            return true;
        sha256_add(&transfer->sum, part.at, part.size);
        transfer->at += part.size;
        counted += part.size;
    }
    return false;
}
