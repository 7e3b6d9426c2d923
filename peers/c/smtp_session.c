/* A session of the SMTP server; see smtp_session.h. */
#include "smtp_session.h"

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

/* ---- words ---- */

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool same(struct view text, const char *word) {
    if (text.size != strlen(word))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (lower(text.at[i]) != lower((uint8_t)word[i]))
            return false;
    return true;
}

/* If the text begins with the word, in any case, it is taken off. */
static bool skip(struct view *text, const char *word) {
    size_t size = strlen(word);
    if (text->size < size || !same((struct view){text->at, size}, word))
        return false;
    *text = (struct view){text->at + size, text->size - size};
    return true;
}

static void skip_spaces(struct view *text) {
    while (skip(text, " "))
        continue;
}

/* Takes what stands before the next space, or all, off the text. */
static struct view next_word(struct view *text) {
    skip_spaces(text);
    const uint8_t *space = text->size ? memchr(text->at, ' ', text->size) : NULL;
    size_t size = space ? (size_t)(space - text->at) : text->size;
    struct view word = {text->at, size};
    *text = (struct view){text->at + size, text->size - size};
    return word;
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
    skip_spaces(text); /* not allowed, but seen (RFC 5321, section 3.3) */
    if (!skip(text, "<"))
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
    uint64_t size = 0;
    if (!digits.size || digits.size > SIZE_DIGITS)
        return "501 SIZE is a number\r\n";
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return "501 SIZE is a number\r\n";
        size = size > SMTP_LARGEST ? size : size * 10 + (uint64_t)(digits.at[i] - '0');
    }
    return size > SMTP_LARGEST ? "552 That is too large\r\n" : NULL;
}

/* NULL, or why they are refused. */
static const char *read_parameters(struct view text) {
    for (struct view word = next_word(&text); word.size; word = next_word(&text)) {
        const char *refusal = NULL;
        if (skip(&word, "SIZE="))
            refusal = read_size(word);
        else if (!same(word, "BODY=7BIT") && !same(word, "BODY=8BITMIME"))
            refusal = "555 That parameter is not known\r\n";
        if (refusal)
            return refusal;
    }
    return NULL;
}

/* ---- commands: `text` is what stands behind the verb ---- */

static enum smtp_next do_hello(struct smtp_session *session, struct view text, struct octets *out) {
    if (!next_word(&text).size)
        return say(out, "501 Who are you?\r\n");
    smtp_forget(session);
    session->greeted = true;
    return say(out, "250 c.example\r\n");
}

static enum smtp_next do_extended_hello(struct smtp_session *session, struct view text, struct octets *out) {
    if (!next_word(&text).size)
        return say(out, "501 Who are you?\r\n");
    smtp_forget(session);
    session->greeted = true;
    return say(out, "250-c.example\r\n250-PIPELINING\r\n250-SIZE " SIZE_TEXT "\r\n250 8BITMIME\r\n");
}

static enum smtp_next do_mail(struct smtp_session *session, struct view text, struct octets *out) {
    struct view path;
    if (!session->greeted || session->in_mail)
        return say(out, session->in_mail ? "503 There is a mail already\r\n" : "503 Say EHLO first\r\n");
    skip_spaces(&text);
    if (!skip(&text, "FROM:") || !read_path(&text, &path) || (path.size && !has_domain(path)))
        return say(out, "501 It is MAIL FROM:<address>\r\n");
    const char *refusal = read_parameters(text);
    if (!refusal && same(local_part(path), "banned"))
        refusal = "550 Not from there\r\n";
    if (refusal)
        return say(out, refusal);
    session->from = (char *)view_copy(path);
    session->in_mail = true;
    return say(out, OK);
}

static const char *refuse_recipient(const struct smtp_session *session, struct view path) {
    if (same(local_part(path), "nobody"))
        return "550 There is no such mailbox\r\n";
    if (same(local_part(path), "later"))
        return "450 Not now\r\n";
    return session->recipient_count == MOST_RECIPIENTS ? "452 Those are too many\r\n" : NULL;
}

static enum smtp_next do_recipient(struct smtp_session *session, struct view text, struct octets *out) {
    struct view path;
    if (!session->in_mail)
        return say(out, "503 Say MAIL first\r\n");
    skip_spaces(&text);
    if (!skip(&text, "TO:") || !read_path(&text, &path) || (!has_domain(path) && !same(path, "postmaster")))
        return say(out, "501 It is RCPT TO:<address>\r\n");
    if (next_word(&text).size)
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
    if (next_word(&text).size)
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
    return say(out, next_word(&text).size ? "252 Try to send it\r\n" : "501 Whom?\r\n");
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
    struct view verb = next_word(&line);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (same(verb, verbs[i].verb))
            return verbs[i].answer(session, line, out);
    return say(out, "500 That is no command\r\n");
}

/* ---- the content ---- */

bool smtp_judge(const struct smtp_session *session, uint64_t size, struct octets *out) {
    const char *refusal = size > SMTP_LARGEST ? "552 That is too large\r\n" : NULL;
    const char *recipient = (const char *)octets_front(&session->recipients);
    for (size_t i = 0; i < session->recipient_count && !refusal; i++, recipient += strlen(recipient) + 1) {
        struct view local = local_part((struct view){(const uint8_t *)recipient, strlen(recipient)});
        refusal = same(local, "picky") ? "554 Not such content\r\n" : same(local, "busy") ? "451 Not now\r\n" : NULL;
    }
    say(out, refusal ? refusal : OK);
    return !refusal;
}
