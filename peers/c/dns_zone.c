/* A zone; see dns_zone.h. */
#include "dns_zone.h"

#include "dns_data.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH = 2, MOST_ALIASES = 16, MINIMUM = 4 };

struct record {
    struct dns_name name;
    unsigned type;
    uint32_t ttl;
    struct octets data;
};

struct dns_zone {
    struct dns_name origin;
    struct record *records;
    size_t count;
};

/* ---- reading ---- */

static bool read_type(struct record *record, const struct json *value, struct fault *fault) {
    if (value->kind != JSON_TEXT)
        return bad_command(fault, "the type of a record must be a text");
    record->type = dns_type_named(value->text);
    return record->type ||
           unsupported(fault, "there are no records of type '%.20s' here", (const char *)value->text.at);
}

static bool read_record(struct record *record, const struct json *list, struct fault *fault) {
    if (list->kind != JSON_LIST || list->count != 4)
        return bad_command(fault, "a record must be a list of name, type, TTL and data");
    const struct json *name = list->first, *type = name->next, *ttl = type->next, *data = ttl->next;
    if (name->kind != JSON_TEXT || !dns_name_read(&record->name, name->text))
        return bad_command(fault, "the name of a record must be a domain name");
    if (ttl->kind != JSON_NUMBER || !ttl->whole || ttl->number < 0 || ttl->number > INT32_MAX)
        return bad_command(fault, "the TTL of a record must be a whole number of 31 bits");
    if (data->kind != JSON_LIST)
        return bad_command(fault, "the data of a record must be a list");
    record->ttl = (uint32_t)ttl->number;
    return read_type(record, type, fault) && dns_data_read(record->type, data, &record->data, fault);
}

static bool read_zone(struct dns_zone *zone, const struct json *object, struct fault *fault) {
    struct view origin;
    const struct json *list;
    if (!need_text(object, "origin", &origin, fault) || !need_list(object, "records", &list, fault))
        return false;
    if (!dns_name_read(&zone->origin, origin))
        return bad_command(fault, "'origin' must be a domain name");
    zone->records = must_alloc(list->count * sizeof *zone->records);
    for (const struct json *record = list->first; record; record = record->next)
        if (!read_record(&zone->records[zone->count++], record, fault))
            return false;
    return true;
}

struct dns_zone *dns_zone_read(const struct json *object, struct fault *fault) {
    if (!object || object->kind != JSON_OBJECT) {
        bad_command(fault, "'zone' must be an object");
        return NULL;
    }
    struct dns_zone *zone = must_alloc(sizeof *zone);
    if (read_zone(zone, object, fault))
        return zone;
    dns_zone_free(zone);
    return NULL;
}

void dns_zone_free(struct dns_zone *zone) {
    if (!zone)
        return;
    for (size_t i = 0; i < zone->count; i++)
        octets_free(&zone->records[i].data);
    free(zone->records);
    free(zone);
}

/* ---- answering ---- */

/* A response in the making. */
struct answer {
    const struct dns_zone *zone;
    struct dns_writer writer;
    unsigned flags, answers, authorities;
};

static struct view data_of(const struct record *record) {
    return (struct view){octets_front(&record->data), octets_size(&record->data)};
}

/* False: it does not fit, and is not there at all. */
static bool write_record(struct dns_writer *writer, const struct record *record, uint32_t ttl) {
    size_t before = writer->size;
    dns_write_name(writer, &record->name, true);
    dns_write_16(writer, record->type);
    dns_write_16(writer, DNS_IN);
    dns_write_32(writer, ttl);
    size_t length = writer->size;
    dns_write_16(writer, 0);
    dns_data_write(writer, record->type, data_of(record));
    if (writer->full) {
        dns_cut(writer, before);
        return false;
    }
    dns_set_16(writer, length, (unsigned)(writer->size - length - LENGTH));
    return true;
}

static void add_record(struct answer *answer, const struct record *record) {
    if (answer->flags & DNS_TC)
        return;
    if (write_record(&answer->writer, record, record->ttl))
        answer->answers++;
    else
        answer->flags |= DNS_TC;
}

/* RFC 2308, section 5: it lives no longer than its own MINIMUM says. */
static uint32_t negative_ttl(const struct record *soa) {
    struct dns_reader reader = {data_of(soa), octets_size(&soa->data) - MINIMUM, false};
    uint32_t minimum = dns_read_32(&reader);
    return minimum < soa->ttl ? minimum : soa->ttl;
}

static void add_authority(struct answer *answer) {
    for (size_t i = 0; i < answer->zone->count; i++) {
        const struct record *record = &answer->zone->records[i];
        if (record->type != DNS_SOA || !dns_name_same(&record->name, &answer->zone->origin))
            continue;
        if (write_record(&answer->writer, record, negative_ttl(record)))
            answer->authorities++;
        else
            answer->flags |= DNS_TC;
        return;
    }
}

/* Adds what the name has of the type. Returns its alias, or NULL. */
static const struct record *add_records(struct answer *answer, const struct dns_name *name, unsigned type) {
    const struct record *alias = NULL;
    for (size_t i = 0; i < answer->zone->count; i++) {
        const struct record *record = &answer->zone->records[i];
        if (!dns_name_same(&record->name, name))
            continue;
        if (record->type == type || type == DNS_ANY)
            add_record(answer, record);
        else if (record->type == DNS_CNAME)
            alias = record;
    }
    return alias;
}

static bool is_among(const struct record *const *records, size_t count, const struct record *record) {
    for (size_t i = 0; i < count; i++)
        if (records[i] == record)
            return true;
    return false;
}

/* Aliases may go in circles. */
static void follow(struct answer *answer, struct dns_name name, unsigned type) {
    const struct record *aliases[MOST_ALIASES];
    for (size_t i = 0; i < MOST_ALIASES; i++) {
        const struct record *alias = aliases[i] = add_records(answer, &name, type);
        if (!alias || is_among(aliases, i, alias))
            return;
        add_record(answer, alias);
        struct dns_reader target = {data_of(alias), 0, false};
        dns_read_name(&target, &name);
    }
}

/* The name, or one below it. */
static bool is_there(const struct dns_zone *zone, const struct dns_name *name) {
    for (size_t i = 0; i < zone->count; i++)
        if (dns_name_within(&zone->records[i].name, name))
            return true;
    return false;
}

static void resolve(struct answer *answer, const struct dns_name *name, unsigned type) {
    answer->flags |= DNS_AA;
    follow(answer, *name, type);
    if (answer->answers || (answer->flags & DNS_TC))
        return;
    if (!is_there(answer->zone, name))
        answer->flags |= DNS_NXDOMAIN;
    add_authority(answer);
}

/* ---- queries ---- */

static void skip_records(struct dns_reader *reader, unsigned count) {
    struct dns_record_head head;
    for (; count && !reader->broken; count--) {
        dns_read_head(reader, &head);
        dns_read_octets(reader, head.size);
    }
}

struct question {
    struct dns_name name;
    unsigned type, class;
};

/* False: a FORMERR. What stands behind the question is passed over, but must be there. */
static bool read_question(struct dns_reader *reader, struct question *question) {
    unsigned counts[4];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        counts[i] = dns_read_16(reader);
    dns_read_name(reader, &question->name);
    question->type = dns_read_16(reader);
    question->class = dns_read_16(reader);
    skip_records(reader, counts[1] + counts[2] + counts[3]);
    return counts[0] == 1 && !reader->broken;
}

static void answer_question(struct answer *answer, const struct question *question) {
    dns_write_name(&answer->writer, &question->name, true);
    dns_write_16(&answer->writer, question->type);
    dns_write_16(&answer->writer, question->class);
    if (question->class != DNS_IN || !dns_name_within(&question->name, &answer->zone->origin))
        answer->flags |= DNS_REFUSED;
    else
        resolve(answer, &question->name, question->type);
}

static void write_header(struct answer *answer, unsigned id, bool has_question) {
    const unsigned numbers[] = {id, answer->flags, has_question, answer->answers, answer->authorities, 0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        dns_set_16(&answer->writer, 2 * i, numbers[i]);
}

size_t dns_zone_answer(const struct dns_zone *zone, struct view query, uint8_t *to, size_t limit) {
    struct answer answer = {
        .zone = zone, .writer = {.at = to, .size = DNS_HEADER, .limit = limit}
    };
    struct dns_reader reader = {query, 0, false};
    struct question question;
    unsigned id = dns_read_16(&reader), flags = dns_read_16(&reader);
    if (query.size < DNS_HEADER || (flags & DNS_QR))
        return 0;
    answer.flags = DNS_QR | (flags & (DNS_OPCODE | DNS_RD));
    bool known = !(flags & DNS_OPCODE), whole = known && read_question(&reader, &question);
    if (whole)
        answer_question(&answer, &question);
    else
        answer.flags |= known ? DNS_FORMERR : DNS_NOTIMP;
    write_header(&answer, id, whole);
    return answer.writer.size;
}

void dns_zone_converse(const struct dns_zone *zone, struct octets *in, struct octets *out, size_t most) {
    while (octets_size(in) >= LENGTH && octets_size(out) < most) {
        const uint8_t *query = octets_front(in);
        size_t size = (size_t)query[0] << 8 | query[1];
        if (octets_size(in) < LENGTH + size)
            return;
        uint8_t *to = octets_reserve(out, LENGTH + DNS_LARGEST);
        size_t made = dns_zone_answer(zone, (struct view){query + LENGTH, size}, to + LENGTH, DNS_LARGEST);
        to[0] = (uint8_t)(made >> 8);
        to[1] = (uint8_t)made;
        octets_grown(out, made ? LENGTH + made : 0);
        octets_drop(in, LENGTH + size);
    }
}
