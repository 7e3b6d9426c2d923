/* Questions of the command `ask`; see dns_ask.h. */
#include "dns_ask.h"

#include "dns_data.h"

#include <stdlib.h>

enum { MOST_ALIASES = 16 };

/* ---- the command ---- */

static bool read_question(struct dns_question *question, const struct json *object, struct fault *fault) {
    struct view name, type;
    if (!need_text(object, "name", &name, fault) || !need_text(object, "type", &type, fault))
        return false;
    if (!dns_name_read(&question->name, name))
        return bad_command(fault, "'name' must be a domain name");
    question->type = dns_type_named(type);
    return question->type || unsupported(fault, "there are no records of type '%.20s' here", (const char *)type.at);
}

bool dns_ask_read(struct dns_questions *questions, const struct json *command, struct fault *fault) {
    const struct json *list;
    questions->deadline = 10 * 1000 * 1000;
    if (!need_address(command, &questions->address, fault) ||
        !maybe_time(command, "deadline", &questions->deadline, fault) || !need_list(command, "questions", &list, fault))
        return false;
    questions->list = must_alloc(list->count * sizeof *questions->list);
    for (const struct json *object = list->first; object; object = object->next)
        if (!read_question(&questions->list[questions->count++], object, fault))
            return false;
    return true;
}

void dns_ask_free(struct dns_questions *questions) {
    free(questions->list);
}

size_t dns_ask_query(const struct dns_question *question, unsigned id, uint8_t to[DNS_DATAGRAM]) {
    struct dns_writer writer = {.at = to, .limit = DNS_DATAGRAM};
    const unsigned header[] = {id, DNS_RD, 1, 0, 0, 0};
    for (size_t i = 0; i < sizeof header / sizeof *header; i++)
        dns_write_16(&writer, header[i]);
    dns_write_name(&writer, &question->name, false);
    dns_write_16(&writer, question->type);
    dns_write_16(&writer, DNS_IN);
    return writer.size;
}

/* ---- the response ---- */

/* A response may come without the question if it could not be read. */
static bool repeats(struct dns_reader *reader, const struct dns_question *question, unsigned count, unsigned rcode) {
    struct dns_name name;
    if (!count)
        return rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN;
    dns_read_name(reader, &name);
    bool same = dns_read_16(reader) == question->type && dns_read_16(reader) == DNS_IN;
    return count == 1 && same && !reader->broken && dns_name_same(&name, &question->name);
}

/* What is looked for among the records of a response, and what was found. */
struct search {
    unsigned type;
    struct dns_name name, target; /* what the name is an alias of */
    bool is_alias, broken;
    size_t found;
    struct octets *records;
};

/* The reader stands at the data of the record. */
static void look_at(struct search *search, const struct dns_record_head *head, struct dns_reader *reader) {
    if (reader->broken || head->class != DNS_IN || !dns_name_same(&head->name, &search->name))
        return;
    if (head->type == search->type) {
        octets_add_text(search->records, search->found++ ? "," : "");
        reader->broken = !dns_data_put(search->records, search->type, reader, head->size);
    } else if (head->type == DNS_CNAME) {
        dns_read_name(reader, &search->target);
        search->is_alias = !reader->broken;
    }
}

/* Goes through all records from the reader on. True: there are none of that name and type, but it is an alias, and its
 * target is to be looked for next. */
static bool read_records(struct search *search, struct dns_reader reader, unsigned count) {
    struct dns_record_head head;
    search->is_alias = false;
    for (; count && !reader.broken; count--) {
        dns_read_head(&reader, &head);
        size_t end = reader.place + head.size;
        look_at(search, &head, &reader);
        reader.place = reader.broken ? reader.place : end;
    }
    search->name = search->target;
    search->broken = reader.broken;
    return !reader.broken && !search->found && search->is_alias;
}

/* False: what the data of a record says cannot be. */
static bool read_answer(struct octets *records, const struct dns_reader *reader, unsigned count,
                        const struct dns_question *question) {
    struct search search = {.type = question->type, .name = question->name, .records = records};
    octets_add_text(records, "[");
    for (int i = 0; i < MOST_ALIASES && read_records(&search, *reader, count); i++)
        continue;
    octets_add_text(records, "]");
    return !search.broken;
}

bool dns_ask_answer(struct dns_answer *answer, const struct dns_question *question, unsigned id, struct view response) {
    struct dns_reader reader = {response, 0, false};
    unsigned its_id = dns_read_16(&reader), flags = dns_read_16(&reader);
    unsigned questions = dns_read_16(&reader), answers = dns_read_16(&reader);
    dns_read_32(&reader);
    if (reader.broken || its_id != id || !(flags & DNS_QR) || (flags & DNS_OPCODE) ||
        !repeats(&reader, question, questions, flags & DNS_RCODE))
        return false;
    answer->truncated = (flags & DNS_TC) != 0;
    answer->rcode = flags & DNS_RCODE;
    octets_clear(&answer->records);
    return answer->truncated || read_answer(&answer->records, &reader, answers, question);
}
