/* What came of a part of a client's work. Owns those words alone: what the work is, each client knows. */
#ifndef TURN_H
#define TURN_H

/* There is more to do at once; a socket or a timer has to be waited for; all is over. */
enum turn { AGAIN, WAIT_ON, OVER };

#endif
