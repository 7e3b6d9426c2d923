/* The stream of the command `ask`; see rtp_ask.h. */
#include "rtp_ask.h"

#include <stdlib.h>

enum { MOST_CSRC = 15, LARGEST_PAYLOAD = 64 * 1024, MOST_TYPE = 127, MOST_GAP = 1000 * 1000 * 1000, WORD_SIZE = 4 };

/* ---- members ---- */

bool numbers_have(const struct numbers *numbers, uint32_t number) {
    for (size_t i = 0; i < numbers->count; i++)
        if (numbers->list[i] == number)
            return true;
    return false;
}

/* A member that is null is as good as none. */
static const struct json *member(const struct json *object, const char *name) {
    const struct json *found = json_member(object, name);
    return found && found->kind != JSON_NULL ? found : NULL;
}

static bool read_numbers(const struct json *object, const char *name, uint64_t most, struct numbers *numbers,
                         struct fault *fault) {
    const struct json *list = member(object, name);
    if (!list)
        return true;
    if (list->kind != JSON_LIST)
        return bad_command(fault, "'%s' must be a list", name);
    numbers->list = must_alloc(list->count * sizeof *numbers->list);
    for (const struct json *one = list->first; one; one = one->next) {
        if (one->kind != JSON_NUMBER || !one->whole || one->number < 0 || (uint64_t)one->number > most)
            return bad_command(fault, "'%s' must hold whole numbers from 0 to %llu", name, (unsigned long long)most);
        numbers->list[numbers->count++] = (uint32_t)one->number;
    }
    return true;
}

static bool read_extension(struct rtp_stream *stream, const struct json *object, struct fault *fault) {
    const struct json *list = member(object, "extension");
    if (!list)
        return true;
    const struct json *profile = list->kind == JSON_LIST && list->count == 2 ? list->first : NULL;
    if (!profile || profile->kind != JSON_NUMBER || !profile->whole || profile->number < 0 ||
        profile->number > UINT16_MAX)
        return bad_command(fault, "'extension' must be a list of a profile and of hexadecimal digits");
    stream->has_extension = true;
    stream->profile = (uint16_t)profile->number;
    return read_hex(profile->next, "extension", &stream->extension, fault) &&
           (octets_size(&stream->extension) % WORD_SIZE == 0 || bad_command(fault, "'extension' must be whole words"));
}

static bool read_padding(struct rtp_stream *stream, const struct json *object, struct fault *fault) {
    uint64_t padding = 0;
    if (!member(object, "padding"))
        return true;
    if (!maybe_whole(object, "padding", UINT8_MAX, &padding, fault))
        return false;
    stream->padding = (uint8_t)padding;
    return padding || bad_command(fault, "'padding' must be 1 at least");
}

static bool read_beginning(struct rtp_stream *stream, const struct json *object, struct fault *fault) {
    uint64_t ssrc, type, sequence, timestamp, advance;
    if (!need_whole(object, "ssrc", UINT32_MAX, &ssrc, fault) || !need_whole(object, "type", MOST_TYPE, &type, fault) ||
        !need_whole(object, "sequence", UINT16_MAX, &sequence, fault) ||
        !need_whole(object, "timestamp", UINT32_MAX, &timestamp, fault) ||
        !need_whole(object, "advance", UINT32_MAX, &advance, fault))
        return false;
    stream->ssrc = (uint32_t)ssrc;
    stream->type = (unsigned)type;
    stream->sequence = (uint16_t)sequence;
    stream->timestamp = (uint32_t)timestamp;
    stream->advance = (uint32_t)advance;
    return true;
}

static bool read_lists(struct rtp_stream *stream, const struct json *object, struct fault *fault) {
    return read_numbers(object, "order", UINT32_MAX, &stream->order, fault) &&
           (stream->order.count || bad_command(fault, "'order' must not be missing, nor empty")) &&
           read_numbers(object, "gaps", MOST_GAP, &stream->gaps, fault) &&
           read_numbers(object, "reports", UINT32_MAX, &stream->reports, fault) &&
           read_numbers(object, "marked", UINT32_MAX, &stream->marked, fault) &&
           read_numbers(object, "csrc", UINT32_MAX, &stream->csrc, fault) &&
           (stream->csrc.count <= MOST_CSRC || bad_command(fault, "'csrc' must hold at most %d", MOST_CSRC));
}

bool rtp_ask_read(struct rtp_stream *stream, const struct json *command, struct fault *fault) {
    const struct json *object = json_member(command, "stream");
    stream->deadline = 10 * 1000 * 1000;
    if (!need_address(command, &stream->address, fault) || !maybe_time(command, "deadline", &stream->deadline, fault))
        return false;
    if (!object || object->kind != JSON_OBJECT)
        return bad_command(fault, "'stream' must be an object");
    return read_beginning(stream, object, fault) && read_lists(stream, object, fault) &&
           read_extension(stream, object, fault) && read_padding(stream, object, fault) &&
           payload_read(&stream->payload, json_member(object, "payload"), fault) &&
           (stream->payload.size <= LARGEST_PAYLOAD || unsupported(fault, "no datagram takes such a payload"));
}

void rtp_ask_free(struct rtp_stream *stream) {
    struct numbers *const lists[] = {&stream->order, &stream->gaps, &stream->reports, &stream->marked, &stream->csrc};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]->list);
    payload_free(&stream->payload);
    octets_free(&stream->extension);
}

/* ---- packets ---- */

uint32_t rtp_ask_timestamp(const struct rtp_stream *stream, uint32_t number) {
    return stream->timestamp + number * stream->advance;
}

void rtp_ask_put(struct octets *to, const struct rtp_stream *stream, uint32_t number) {
    static uint8_t payload[LARGEST_PAYLOAD];
    struct source source;
    source_start(&source, &stream->payload, number);
    struct rtp_packet packet = {
        .type = stream->type,
        .sequence = (uint16_t)(stream->sequence + number),
        .timestamp = rtp_ask_timestamp(stream, number),
        .ssrc = stream->ssrc,
        .payload = {payload, source_take(&source, payload, sizeof payload)},
    };
    struct rtp_frame frame = {
        .marker = numbers_have(&stream->marked, number),
        .csrc = stream->csrc.list,
        .csrc_count = stream->csrc.count,
        .has_extension = stream->has_extension,
        .profile = stream->profile,
        .extension = {octets_front(&stream->extension), octets_size(&stream->extension)},
        .padding = stream->padding,
    };
    rtp_put(to, &packet, &frame);
}
