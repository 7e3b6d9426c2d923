/* A data connection (RFC 959, section 3.2), of a server as well as of a client: waited for or made.
 * Owns its sockets and the octets in both directions. Knows neither files nor commands. */
#ifndef FTP_DATA_H
#define FTP_DATA_H

#include "loop.h"
#include "pump.h"

enum ftp_standing { FTP_NOT_YET, FTP_STANDS, FTP_FAILED };

struct ftp_data {
    sock_t listener, sock;
    struct address from; /* whom the listener is there for: whoever else connects is turned away */
    bool connecting;
    bool woken; /* since it was waited for last; `ready` sets it */
    int failed; /* the code with which it did not come about */
    struct watch watch;
    struct incoming in;
    struct octets out;
};

/* None yet; `ready` is called when there is something to do. */
void ftp_data_start(struct ftp_data *data, void (*ready)(struct watch *, short));
/* Waits for one at that host, on any port: *bound is where. One that there was is closed. 0, or a code of the system.
 */
int ftp_data_listen(struct ftp_data *data, const struct address *local, const struct address *from,
                    struct address *bound);
/* Makes one, from that host. */
void ftp_data_connect(struct ftp_data *data, const struct address *local, const struct address *remote);
/* There is one, or one is waited for. */
bool ftp_data_is_there(const struct ftp_data *data);
enum ftp_standing ftp_data_stands(struct ftp_data *data);
/* Waits until it stands, or can be read, if it `reads`, or something can be sent. */
void ftp_data_wait_on(struct ftp_data *data, bool reads, bool sends);
/* What was sent is followed by a FIN. */
void ftp_data_close(struct ftp_data *data);

#endif
