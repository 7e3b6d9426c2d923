// The beginning and the end of a connection that a library serves: what is told of them. Knows no library.

import { ends } from './addresses.js';
import { describe, isReset } from './faults.js';
import { MUTE } from './output.js';

/**
 * Reports a connection's beginning and end. What the library answers to a bad message is its own affair.
 *
 * @param {import('node:net').Socket} socket
 * @param {import('./output.js').Report} report
 * @param {(tell: () => void) => void} [atEnd] what is to be done before the end is told; it calls `tell`
 */
export function follow(socket, report, atEnd = (tell) => tell()) {
  report.add('accepted', report === MUTE ? undefined : ends(socket));
  socket.on('error', (error) => {
    if (isReset(error)) report.add('reset', { by: 'them' });
    // The library's own errors have been answered by it; only the system's end a conversation.
    else if (error.syscall !== undefined) report.add('failed', { at: -1, ...describe(error) });
  });
  const tell = () => {
    report.add('closed');
    report.done();
  };
  socket.once('close', () => atEnd(tell));
}
