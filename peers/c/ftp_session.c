/* A session of the FTP server; see ftp_session.h. */
#include "ftp_session.h"

#include "ftp_address.h"
#include "ftp_listing.h"
#include "json.h"
#include "words.h"

#include <string.h>

static const uint64_t MOST_RESTART = 1ULL << 53;

void ftp_say(struct octets *out, const char *reply) {
    octets_add_text(out, reply);
    octets_add_text(out, "\r\n");
}

static enum ftp_next say(struct octets *out, const char *reply) {
    ftp_say(out, reply);
    return FTP_COMMAND;
}

void ftp_greet(struct octets *out) {
    say(out, "220 c.example ready");
}

void ftp_session_start(struct ftp_session *session, const struct ftp_node *files, const struct address *local,
                       const struct address *remote) {
    *session = (struct ftp_session){.local = *local, .remote = *remote, .ascii = true, .facts = FTP_ALL_FACTS};
    session->root = session->here = ftp_tree_copy(files);
}

void ftp_session_free(struct ftp_session *session) {
    ftp_transfer_clear(&session->transfer);
    ftp_tree_remove(session->root);
}

/* ---- who is there ---- */

static enum ftp_next do_user(struct ftp_session *session, struct view name, struct octets *out) {
    session->is_nobody = view_is(name, "nobody");
    session->door = FTP_NAMED;
    return say(out, "331 And the password?");
}

static enum ftp_next do_password(struct ftp_session *session, struct view password, struct octets *out) {
    (void)password;
    if (session->door != FTP_NAMED)
        return say(out, "503 Say USER first");
    session->door = session->is_nobody ? FTP_OUTSIDE : FTP_INSIDE;
    return say(out, session->is_nobody ? "530 Not you" : "230 Come in");
}

static enum ftp_next do_account(struct ftp_session *session, struct view account, struct octets *out) {
    (void)session;
    (void)account;
    return say(out, "202 There are no accounts here");
}

static enum ftp_next do_again(struct ftp_session *session, struct view none, struct octets *out) {
    (void)none;
    session->door = FTP_OUTSIDE;
    session->here = session->root;
    session->ascii = true;
    session->only_epsv = false;
    session->facts = FTP_ALL_FACTS;
    session->restart = 0;
    say(out, "220 Who is there?");
    return FTP_ANEW;
}

static enum ftp_next do_quit(struct ftp_session *session, struct view none, struct octets *out) {
    (void)session;
    (void)none;
    say(out, "221 Bye");
    return FTP_LEAVE;
}

/* ---- settings ---- */

static enum ftp_next do_type(struct ftp_session *session, struct view type, struct octets *out) {
    bool image = view_is_caseless(type, "I") || view_is_caseless(type, "L 8");
    bool ascii = view_is_caseless(type, "A") || view_is_caseless(type, "A N");
    if (image || ascii) {
        session->ascii = ascii;
        return say(out, "200 So be it");
    }
    struct view first = word_next(&type);
    bool known = view_is_caseless(first, "A") || view_is_caseless(first, "E") || view_is_caseless(first, "L");
    return say(out, known ? "504 Not that type" : "501 That is no type");
}

/* One of three letters, of which only the first is there. */
static enum ftp_next choose(struct view letter, const char *const letters[3], struct octets *out) {
    if (view_is_caseless(letter, letters[0]))
        return say(out, "200 So be it");
    bool known = view_is_caseless(letter, letters[1]) || view_is_caseless(letter, letters[2]);
    return say(out, known ? "504 Not that one" : "501 There is no such one");
}

static enum ftp_next do_mode(struct ftp_session *session, struct view mode, struct octets *out) {
    (void)session;
    return choose(mode, (const char *const[]){"S", "B", "C"}, out);
}

static enum ftp_next do_structure(struct ftp_session *session, struct view structure, struct octets *out) {
    (void)session;
    return choose(structure, (const char *const[]){"F", "R", "P"}, out);
}

static enum ftp_next do_restart(struct ftp_session *session, struct view place, struct octets *out) {
    uint64_t restart;
    if (!word_number(&place, MOST_RESTART, &restart) || place.size)
        return say(out, "501 That is no place");
    session->restart = restart;
    return say(out, "350 From there on");
}

static enum ftp_next do_allocate(struct ftp_session *session, struct view size, struct octets *out) {
    (void)session;
    (void)size;
    return say(out, "202 There is room");
}

static enum ftp_next do_options(struct ftp_session *session, struct view text, struct octets *out) {
    struct view verb = word_next(&text);
    word_skip_spaces(&text);
    if (view_is_caseless(verb, "UTF8"))
        return say(out, "200 Names are UTF-8");
    if (!view_is_caseless(verb, "MLST"))
        return say(out, "501 It has no options");
    session->facts = ftp_facts_named(text);
    octets_add_text(out, "200 MLST OPTS ");
    ftp_put_facts(out, session->facts, false);
    return say(out, "");
}

/* ---- data connections ---- */

static enum ftp_next refuse_family(const struct ftp_session *session, struct octets *out) {
    return say(out, ftp_family(&session->local) == FTP_IPV6 ? "522 Not that family, use (2)"
                                                            : "522 Not that family, use (1)");
}

static enum ftp_next after_epsv_all(struct octets *out) {
    return say(out, "503 You said EPSV ALL");
}

/* No one but the client itself: else it could have connections made to others (RFC 2577, section 3). */
static enum ftp_next make_active(struct ftp_session *session, const struct address *told, struct octets *out) {
    if (!address_same_host(told, &session->remote))
        return say(out, "504 Data goes to you alone");
    session->data = session->remote;
    address_set_port(&session->data, address_port(told));
    say(out, "200 I shall connect to there");
    return FTP_ACTIVE;
}

static enum ftp_next do_port(struct ftp_session *session, struct view text, struct octets *out) {
    struct address told;
    if (session->only_epsv)
        return after_epsv_all(out);
    if (!ftp_read_numbers(&told, text))
        return say(out, "501 It is PORT h1,h2,h3,h4,p1,p2");
    return make_active(session, &told, out);
}

static enum ftp_next do_extended_port(struct ftp_session *session, struct view text, struct octets *out) {
    struct address told;
    int family;
    if (session->only_epsv)
        return after_epsv_all(out);
    if (!ftp_read_extended(&told, &family, text))
        return say(out, "501 It is EPRT |family|address|port|");
    if (family != ftp_family(&session->local))
        return refuse_family(session, out);
    return make_active(session, &told, out);
}

static enum ftp_next do_passive(struct ftp_session *session, struct view none, struct octets *out) {
    (void)none;
    if (session->only_epsv)
        return after_epsv_all(out);
    if (ftp_family(&session->local) != FTP_IPV4)
        return say(out, "502 Over IPv6 it is EPSV");
    session->extended = false;
    return FTP_PASSIVE;
}

static enum ftp_next do_extended_passive(struct ftp_session *session, struct view text, struct octets *out) {
    uint64_t family = (uint64_t)ftp_family(&session->local);
    if (view_is_caseless(text, "ALL")) {
        session->only_epsv = true;
        return say(out, "200 Nothing but EPSV from now on");
    }
    if (text.size && (!word_number(&text, UINT16_MAX, &family) || text.size))
        return say(out, "501 It is EPSV, or EPSV and a family");
    if (family != (uint64_t)ftp_family(&session->local))
        return refuse_family(session, out);
    session->extended = true;
    return FTP_PASSIVE;
}

void ftp_say_passive(const struct ftp_session *session, const struct address *bound, struct octets *out) {
    octets_add_text(out, session->extended ? "229 Connect to there (|||" : "227 Connect to there (");
    if (session->extended) {
        json_put_whole(out, address_port(bound));
        octets_add_text(out, "|");
    } else {
        ftp_put_numbers(out, bound);
    }
    say(out, ")");
}

/* ---- what can be asked ---- */

static enum ftp_next do_nothing(struct ftp_session *session, struct view text, struct octets *out) {
    (void)session;
    (void)text;
    return say(out, "200 Here I am");
}

static enum ftp_next do_system(struct ftp_session *session, struct view none, struct octets *out) {
    (void)session;
    (void)none;
    return say(out, "215 UNIX Type: L8");
}

static enum ftp_next do_site(struct ftp_session *session, struct view text, struct octets *out) {
    (void)session;
    (void)text;
    return say(out, "202 Nothing is peculiar to this site");
}

static enum ftp_next do_features(struct ftp_session *session, struct view none, struct octets *out) {
    (void)none;
    octets_add_text(out, "211-Besides RFC 959\r\n EPRT\r\n EPSV\r\n MDTM\r\n MLST ");
    ftp_put_facts(out, session->facts, true);
    return say(out, "\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n UTF8\r\n211 That is all");
}

static enum ftp_next do_status(struct ftp_session *session, struct view path, struct octets *out) {
    return path.size ? ftp_tell_files(session, path, out) : FTP_STATUS;
}

static enum ftp_next do_abort(struct ftp_session *session, struct view none, struct octets *out) {
    (void)session;
    (void)none;
    (void)out;
    return FTP_ABORT;
}

void ftp_say_status(const struct ftp_session *session, bool in_transfer, struct octets *out) {
    octets_add_text(out, "211-c.example\r\n TYPE ");
    octets_add_text(out, session->ascii ? "A N" : "I");
    octets_add_text(out, ", MODE S, STRU F\r\n");
    octets_add_text(out, in_transfer ? " A transfer is under way\r\n" : " No transfer is under way\r\n");
    say(out, "211 That is all");
}

static enum ftp_next do_help(struct ftp_session *session, struct view text, struct octets *out);

/* ---- all of them ---- */

enum {
    ALWAYS = 0,
    INSIDE = 1, /* who was not let in may not */
    NEEDS = 2,  /* something must stand behind the verb */
};

static const struct command {
    const char *verb;
    enum ftp_next (*reply)(struct ftp_session *session, struct view text, struct octets *out);
    unsigned flags;
} commands[] = {
    {"USER", do_user,             NEEDS         },
    {"PASS", do_password,         ALWAYS        },
    {"ACCT", do_account,          INSIDE | NEEDS},
    {"REIN", do_again,            ALWAYS        },
    {"QUIT", do_quit,             ALWAYS        },
    {"NOOP", do_nothing,          ALWAYS        },
    {"HELP", do_help,             ALWAYS        },
    {"SYST", do_system,           ALWAYS        },
    {"FEAT", do_features,         ALWAYS        },
    {"OPTS", do_options,          NEEDS         },
    {"STAT", do_status,           INSIDE        },
    {"ABOR", do_abort,            ALWAYS        },
    {"SITE", do_site,             INSIDE        },
    {"TYPE", do_type,             INSIDE | NEEDS},
    {"MODE", do_mode,             INSIDE | NEEDS},
    {"STRU", do_structure,        INSIDE | NEEDS},
    {"ALLO", do_allocate,         INSIDE        },
    {"REST", do_restart,          INSIDE | NEEDS},
    {"PORT", do_port,             INSIDE        },
    {"EPRT", do_extended_port,    INSIDE        },
    {"PASV", do_passive,          INSIDE        },
    {"EPSV", do_extended_passive, INSIDE        },
    {"RETR", ftp_retrieve,        INSIDE | NEEDS},
    {"STOR", ftp_store,           INSIDE | NEEDS},
    {"APPE", ftp_append,          INSIDE | NEEDS},
    {"LIST", ftp_list,            INSIDE        },
    {"NLST", ftp_list_names,      INSIDE        },
    {"MLSD", ftp_list_entries,    INSIDE        },
    {"MLST", ftp_tell_entry,      INSIDE        },
    {"SIZE", ftp_tell_size,       INSIDE | NEEDS},
    {"MDTM", ftp_tell_time,       INSIDE | NEEDS},
    {"PWD",  ftp_where,           INSIDE        },
    {"XPWD", ftp_where,           INSIDE        },
    {"CWD",  ftp_enter,           INSIDE | NEEDS},
    {"XCWD", ftp_enter,           INSIDE | NEEDS},
    {"CDUP", ftp_go_up,           INSIDE        },
    {"XCUP", ftp_go_up,           INSIDE        },
    {"MKD",  ftp_make,            INSIDE | NEEDS},
    {"XMKD", ftp_make,            INSIDE | NEEDS},
    {"RMD",  ftp_remove,          INSIDE | NEEDS},
    {"XRMD", ftp_remove,          INSIDE | NEEDS},
    {"DELE", ftp_delete,          INSIDE | NEEDS},
    {"RNFR", ftp_rename_from,     INSIDE | NEEDS},
    {"RNTO", ftp_rename_to,       INSIDE | NEEDS},
};

enum { COMMANDS = sizeof commands / sizeof *commands, VERBS_A_LINE = 11 };

static enum ftp_next do_help(struct ftp_session *session, struct view text, struct octets *out) {
    (void)session;
    (void)text;
    octets_add_text(out, "214-These are known");
    for (size_t i = 0; i < COMMANDS; i++) {
        octets_add_text(out, i % VERBS_A_LINE ? " " : "\r\n ");
        octets_add_text(out, commands[i].verb);
    }
    return say(out, "\r\n214 That is all");
}

static const struct command *find(struct view verb) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (view_is_caseless(verb, commands[i].verb))
            return &commands[i];
    return NULL;
}

/* Verbs of RFC 959 that nobody needs (RFC 1123, section 4.1.2.13). */
static enum ftp_next unknown(struct view verb, struct octets *out) {
    bool known = view_is_caseless(verb, "STOU") || view_is_caseless(verb, "SMNT");
    return say(out, known ? "502 That is not done here" : "500 That is no command");
}

bool ftp_is_urgent(struct view line) {
    struct view verb = view_split(&line, ' ');
    return view_is_caseless(verb, "ABOR") || (view_is_caseless(verb, "STAT") && !line.size);
}

bool ftp_is_last(struct view line) {
    return view_is_caseless(view_split(&line, ' '), "QUIT");
}

enum ftp_next ftp_reply(struct ftp_session *session, struct view line, struct octets *out) {
    struct view verb = view_split(&line, ' ');
    const struct command *command = find(verb);
    if (!command || command->reply != ftp_rename_to)
        session->renamed = NULL; /* RNTO comes right behind RNFR */
    if (!command)
        return unknown(verb, out);
    if (command->flags & INSIDE && session->door != FTP_INSIDE)
        return say(out, "530 Say USER and PASS first");
    if (command->flags & NEEDS && !line.size)
        return say(out, "501 Something is missing behind it");
    return command->reply(session, line, out);
}
