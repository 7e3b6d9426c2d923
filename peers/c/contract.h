/* The contract: command lines in, hello, and who carries which command out. Owns the control channel's input and
 * version 1 of the contract. Does not know how anything is done. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <stdbool.h>

/* From now on commands are read, as the loop goes round. */
void contract_start(void);
/* To be called after each round of the loop: answers a `flush` once everything that happened was reported, and holds
 * commands back while nobody reads the events. False once standard input has ended. */
bool contract_go_on(void);

#endif
