/* What an FTP server knows of a session (RFC 959; 2389, 2428, 3659). Owns who is there, the settings, and which command
 * may come when. ftp_session.c replies to those that are about the session, ftp_files.c to those that are about files.
 * Opens no socket: lines come in, replies go into a buffer. */
#ifndef FTP_SESSION_H
#define FTP_SESSION_H

#include "address.h"
#include "ftp_transfer.h"

/* OUTSIDE: nobody is there. NAMED: a user who has still to say the password. */
enum ftp_door { FTP_OUTSIDE, FTP_NAMED, FTP_INSIDE };

struct ftp_session {
    struct address local, remote; /* of the control connection */
    enum ftp_door door;
    bool is_nobody;
    struct ftp_node *root, *here;

    bool ascii, only_epsv;
    unsigned facts;
    uint64_t restart;
    struct ftp_node *renamed;

    struct address data; /* where the client waits for the data connection, after FTP_ACTIVE */
    bool extended;       /* how FTP_PASSIVE is to be replied to */
    struct ftp_transfer transfer;
};

/* What comes after the reply to a command. PASSIVE: a listener is needed, then ftp_say_passive() replies. ACTIVE: the
 * client listens at `data`. ANEW: no data connection was agreed upon. TRANSFER: `transfer` is to be made, all about it
 * is still to be replied. STATUS: the same of ftp_say_status(). ABORT: so is this. */
enum ftp_next { FTP_COMMAND, FTP_PASSIVE, FTP_ACTIVE, FTP_ANEW, FTP_TRANSFER, FTP_STATUS, FTP_ABORT, FTP_LEAVE };

/* The tree is a copy of that one, which lives longer. */
void ftp_session_start(struct ftp_session *session, const struct ftp_node *files, const struct address *local,
                       const struct address *remote);
void ftp_session_free(struct ftp_session *session);

void ftp_greet(struct octets *out);
/* Replies to the line, which is without its end. */
enum ftp_next ftp_reply(struct ftp_session *session, struct view line, struct octets *out);
/* Whether the line is to be replied to also while there is a transfer (RFC 1123, section 4.1.3.3). */
bool ftp_is_urgent(struct view line);
/* Whether nothing comes behind the line. */
bool ftp_is_last(struct view line);
void ftp_say_passive(const struct ftp_session *session, const struct address *bound, struct octets *out);
void ftp_say_status(const struct ftp_session *session, bool in_transfer, struct octets *out);
void ftp_say(struct octets *out, const char *reply);

/* ftp_files.c: `path` is what stands behind the verb. */
enum ftp_next ftp_retrieve(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_store(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_append(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_list(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_list_names(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_list_entries(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_tell_entry(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_tell_size(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_tell_time(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_tell_files(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_where(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_enter(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_go_up(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_make(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_remove(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_delete(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_rename_from(struct ftp_session *session, struct view path, struct octets *out);
enum ftp_next ftp_rename_to(struct ftp_session *session, struct view path, struct octets *out);

#endif
