/* The C peer of Parley: plain C11 and POSIX, one thread, one loop, no library but the HTTP stack of a variant.
 * Owns the beginning and the end of the process. contract.c is the way in; platform.h is what a port has to replace. */
#include "contract.h"
#include "loop.h"
#include "report.h"
#include "running.h"

enum { LAST_WORDS = 1000 * 1000 }; /* microseconds to get rid of the last events: the contract gives two seconds */

static bool too_late;

static void give_up(struct timer *timer) {
    (void)timer;
    too_late = true;
}

static void say_last_words(void) {
    struct timer patience = {.due = give_up};
    running_stop_all();
    report_all();
    timer_set(&patience, clock_now() + LAST_WORDS);
    while (report_write() && report_backlog() && !too_late)
        loop_round(true);
}

int main(void) {
    platform_start();
    contract_start();
    do
        loop_round(true);
    while (contract_go_on() && report_write());
    say_last_words();
    control_end();
    return 0;
}
