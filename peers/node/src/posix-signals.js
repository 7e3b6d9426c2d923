// Signals with a value, and the numbers of those that Node has no name for. Knows no conversation.

import os from 'node:os';
import { bound, checked } from './posix.js';

const sigqueue = checked('int sigqueue(int, int, int64_t)');
const rtmin = bound('int __libc_current_sigrtmin()');
const rtmax = bound('int __libc_current_sigrtmax()');
const REAL_TIME = /^RTMIN(?:\+(\d{1,2}))?$/;

/**
 * @param {string} name as POSIX has it, without SIG
 * @returns {number | undefined} its number; undefined if there is no such signal
 */
export function numberOf(name) {
  const offset = REAL_TIME.exec(name);
  if (offset === null) return os.constants.signals[`SIG${name}`];
  const number = rtmin() + Number(offset[1] ?? 0);
  return number <= rtmax() ? number : undefined;
}

/**
 * @param {number} pid
 * @param {number} number
 * @param {number} value 32 bits, signed: one register holds the union that it is in
 */
export const queue = (pid, number, value) => sigqueue(pid, number, value);
