/* Messages of the command `ask`; see smtp_ask.h. */
#include "smtp_ask.h"

#include <stdlib.h>
#include <string.h>

/* A path that would end its line, or what is in front of it, is none. */
static bool read_path(const struct json *text, char **path, struct fault *fault) {
    if (text->kind != JSON_TEXT)
        return bad_command(fault, "an address of a mailbox must be a text");
    for (size_t i = 0; i < text->text.size; i++)
        if (text->text.at[i] < ' ' || text->text.at[i] == 0x7f)
            return bad_command(fault, "an address of a mailbox must not have control characters");
    *path = (char *)view_copy(text->text);
    return true;
}

static bool read_recipients(struct smtp_message *message, const struct json *object, struct fault *fault) {
    const struct json *list;
    if (!need_list(object, "recipients", &list, fault))
        return false;
    if (!list->count)
        return bad_command(fault, "'recipients' must not be empty");
    message->recipients = must_alloc(list->count * sizeof *message->recipients);
    for (const struct json *text = list->first; text; text = text->next)
        if (!read_path(text, &message->recipients[message->recipient_count++], fault))
            return false;
    return true;
}

static bool read_message(struct smtp_message *message, const struct json *object, struct fault *fault) {
    struct view from;
    return need_text(object, "from", &from, fault) && read_path(json_member(object, "from"), &message->from, fault) &&
           read_recipients(message, object, fault) &&
           payload_read(&message->content, json_member(object, "content"), fault) &&
           (message->content.size <= MOST_HELD ||
            unsupported(fault, "a message has at most %d octets here", MOST_HELD));
}

bool smtp_ask_read(struct smtp_messages *messages, const struct json *command, struct fault *fault) {
    const struct json *list;
    messages->deadline = 10 * 1000 * 1000;
    if (!need_address(command, &messages->address, fault) ||
        !maybe_time(command, "deadline", &messages->deadline, fault) || !need_list(command, "messages", &list, fault))
        return false;
    messages->list = must_alloc(list->count * sizeof *messages->list);
    for (const struct json *object = list->first; object; object = object->next)
        if (!read_message(&messages->list[messages->count++], object, fault))
            return false;
    return true;
}

void smtp_ask_free(struct smtp_messages *messages) {
    for (size_t i = 0; i < messages->count; i++) {
        struct smtp_message *message = &messages->list[i];
        free(message->from);
        for (size_t k = 0; k < message->recipient_count; k++)
            free(message->recipients[k]);
        free(message->recipients);
        payload_free(&message->content);
    }
    free(messages->list);
}
