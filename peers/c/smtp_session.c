/* A session of the SMTP server; see smtp_session.h. */
#include "smtp_session.h"

#include "words.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_RECIPIENTS = 1000, SIZE_DIGITS = 20 };

#define SIZE_TEXT "67108864" /* SMTP_LARGEST */

static const char OK[] = "250 OK\r\n";

static enum smtp_next say(struct octets *out, const char *reply) {
    octets_add_text(out, reply);
    return SMTP_COMMAND;
}

void smtp_greet(struct octets *out) {
    say(out, "220 c.example ready\r\n");
}

void smtp_refuse_line(struct octets *out) {
    say(out, "500 That line is too long\r\n");
}

void smtp_forget(struct smtp_session *session) {
    free(session->from);
    session->from = NULL;
    session->in_mail = false;
    octets_clear(&session->recipients);
    session->recipient_count = 0;
}

void smtp_session_free(struct smtp_session *session) {
    smtp_forget(session);
    octets_free(&session->recipients);
}

/* ---- paths ---- */

/* Where the path ends; a quoted local part may hold anything. NULL: nowhere. */
static const uint8_t *path_end(struct view text) {
    bool quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < ' ' || text.at[i] > '~')
            return NULL;
        if (quoted && text.at[i] == '\\')
            i++;
        else if (text.at[i] == '"')
            quoted = !quoted;
        else if (text.at[i] == '>' && !quoted)
            return text.at + i;
    }
    return NULL;
}

/* Takes <path> off the text. */
static bool read_path(struct view *text, struct view *path) {
    word_skip_spaces(text); /* not allowed, but seen (RFC 5321, section 3.3) */
    if (!word_skip(text, "<"))
        return false;
    const uint8_t *end = path_end(*text);
    if (!end)
        return false;
    *path = (struct view){text->at, (size_t)(end - text->at)};
    *text = (struct view){end + 1, text->size - path->size - 1};
    return !text->size || *text->at == ' ';
}

/* Of a mailbox, without a source route in front of it (RFC 5321, appendix C). */
static struct view local_part(struct view path) {
    const uint8_t *colon = path.size && *path.at == '@' ? memchr(path.at, ':', path.size) : NULL;
    if (colon)
        path = (struct view){colon + 1, path.size - (size_t)(colon + 1 - path.at)};
    size_t size = path.size;
    while (size && path.at[size - 1] != '@')
        size--;
    return size ? (struct view){path.at, size - 1} : path;
}

static bool has_domain(struct view path) {
    struct view local = local_part(path);
    return local.size && local.at + local.size + 1 < path.at + path.size;
}

/* ---- parameters of MAIL ---- */

static const char *read_size(struct view digits) {
    uint64_t size;
    if (digits.size > SIZE_DIGITS || !word_number(&digits, SMTP_LARGEST + 1, &size) || digits.size)
        return "501 SIZE is a number\r\n";
    return size > SMTP_LARGEST ? "552 That is too large\r\n" : NULL;
}

/* NULL, or why they are refused. */
static const char *read_parameters(struct view text) {
    for (struct view word = word_next(&text); word.size; word = word_next(&text)) {
        const char *refusal = NULL;
        if (word_skip(&word, "SIZE="))
            refusal = read_size(word);
        else if (!view_is_caseless(word, "BODY=7BIT") && !view_is_caseless(word, "BODY=8BITMIME"))
            refusal = "555 That parameter is not known\r\n";
        if (refusal)
            return refusal;
    }
    return NULL;
}

/* ---- commands: `text` is what stands behind the verb ---- */

static enum smtp_next do_hello(struct smtp_session *session, struct view text, struct octets *out) {
    if (!word_next(&text).size)
        return say(out, "501 Who are you?\r\n");
    smtp_forget(session);
    session->greeted = true;
    return say(out, "250 c.example\r\n");
}

static enum smtp_next do_extended_hello(struct smtp_session *session, struct view text, struct octets *out) {
    if (!word_next(&text).size)
        return say(out, "501 Who are you?\r\n");
    smtp_forget(session);
    session->greeted = true;
    return say(out, "250-c.example\r\n250-PIPELINING\r\n250-SIZE " SIZE_TEXT "\r\n250 8BITMIME\r\n");
}

static enum smtp_next do_mail(struct smtp_session *session, struct view text, struct octets *out) {
    struct view path;
    if (!session->greeted || session->in_mail)
        return say(out, session->in_mail ? "503 There is a mail already\r\n" : "503 Say EHLO first\r\n");
    word_skip_spaces(&text);
    if (!word_skip(&text, "FROM:") || !read_path(&text, &path) || (path.size && !has_domain(path)))
        return say(out, "501 It is MAIL FROM:<address>\r\n");
    const char *refusal = read_parameters(text);
    if (!refusal && view_is_caseless(local_part(path), "banned"))
        refusal = "550 Not from there\r\n";
    if (refusal)
        return say(out, refusal);
    session->from = (char *)view_copy(path);
    session->in_mail = true;
    return say(out, OK);
}

static const char *refuse_recipient(const struct smtp_session *session, struct view path) {
    if (view_is_caseless(local_part(path), "nobody"))
        return "550 There is no such mailbox\r\n";
    if (view_is_caseless(local_part(path), "later"))
        return "450 Not now\r\n";
    return session->recipient_count == MOST_RECIPIENTS ? "452 Those are too many\r\n" : NULL;
}

static enum smtp_next do_recipient(struct smtp_session *session, struct view text, struct octets *out) {
    struct view path;
    if (!session->in_mail)
        return say(out, "503 Say MAIL first\r\n");
    word_skip_spaces(&text);
    if (!word_skip(&text, "TO:") || !read_path(&text, &path) ||
        (!has_domain(path) && !view_is_caseless(path, "postmaster")))
        return say(out, "501 It is RCPT TO:<address>\r\n");
    if (word_next(&text).size)
        return say(out, "555 That parameter is not known\r\n");
    const char *refusal = refuse_recipient(session, path);
    if (refusal)
        return say(out, refusal);
    octets_add(&session->recipients, path.at, path.size);
    octets_add(&session->recipients, "", 1);
    session->recipient_count++;
    return say(out, OK);
}

static enum smtp_next do_data(struct smtp_session *session, struct view text, struct octets *out) {
    if (word_next(&text).size)
        return say(out, "501 DATA stands alone\r\n");
    if (!session->recipient_count)
        return say(out, session->in_mail ? "554 There is no recipient\r\n" : "503 Say MAIL first\r\n");
    say(out, "354 Go on, and end with a dot\r\n");
    return SMTP_CONTENT;
}

static enum smtp_next do_reset(struct smtp_session *session, struct view text, struct octets *out) {
    (void)text;
    smtp_forget(session);
    return say(out, OK);
}

static enum smtp_next do_nothing(struct smtp_session *session, struct view text, struct octets *out) {
    (void)session;
    (void)text;
    return say(out, OK);
}

static enum smtp_next do_verify(struct smtp_session *session, struct view text, struct octets *out) {
    (void)session;
    return say(out, word_next(&text).size ? "252 Try to send it\r\n" : "501 Whom?\r\n");
}

static enum smtp_next do_help(struct smtp_session *session, struct view text, struct octets *out) {
    (void)session;
    (void)text;
    return say(out, "214 RFC 5321\r\n");
}

static enum smtp_next do_expand(struct smtp_session *session, struct view text, struct octets *out) {
    (void)session;
    (void)text;
    return say(out, "502 There are no lists here\r\n");
}

static enum smtp_next do_quit(struct smtp_session *session, struct view text, struct octets *out) {
    (void)session;
    (void)text;
    say(out, "221 Bye\r\n");
    return SMTP_LEAVE;
}

enum smtp_next smtp_reply(struct smtp_session *session, struct view line, struct octets *out) {
    static const struct {
        const char *verb;
        enum smtp_next (*answer)(struct smtp_session *session, struct view text, struct octets *out);
    } verbs[] = {
        {"EHLO", do_extended_hello},
        {"HELO", do_hello         },
        {"MAIL", do_mail          },
        {"RCPT", do_recipient     },
        {"DATA", do_data          },
        {"RSET", do_reset         },
        {"NOOP", do_nothing       },
        {"QUIT", do_quit          },
        {"VRFY", do_verify        },
        {"EXPN", do_expand        },
        {"HELP", do_help          },
    };
    if (line.size && (memchr(line.at, '\n', line.size) || memchr(line.at, '\r', line.size)))
        return say(out, "500 A line ends in CRLF, and nothing else ends it\r\n");
    struct view verb = word_next(&line);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (view_is_caseless(verb, verbs[i].verb))
            return verbs[i].answer(session, line, out);
    return say(out, "500 That is no command\r\n");
}

/* ---- the content ---- */

bool smtp_judge(const struct smtp_session *session, uint64_t size, struct octets *out) {
    const char *refusal = size > SMTP_LARGEST ? "552 That is too large\r\n" : NULL;
    const char *recipient = (const char *)octets_front(&session->recipients);
    for (size_t i = 0; i < session->recipient_count && !refusal; i++, recipient += strlen(recipient) + 1) {
        struct view local = local_part((struct view){(const uint8_t *)recipient, strlen(recipient)});
        refusal = view_is_caseless(local, "picky")  ? "554 Not such content\r\n"
                  : view_is_caseless(local, "busy") ? "451 Not now\r\n"
                                                    : NULL;
    }
    say(out, refusal ? refusal : OK);
    return !refusal;
}
