// What the steps of scripts of signals may say. Knows which signals Node can receive, and sends none.

import os from 'node:os';
import { badCommand, unsupported } from './faults.js';
import * as members from './members.js';
import { lacking } from './posix.js';
import { numberOf } from './posix-signals.js';

const REAL_TIME = /^RTM(?:IN|AX)/;
const NEVER = new Set(['KILL', 'STOP']);
const MAX_VALUE = 2 ** 31 - 1;

/**
 * @param {object} step `send`
 * @returns {object} checked
 */
export function checkSignalSend(step) {
  const signal = members.text(step, 'signal');
  const value = members.optionalWhole(step, 'value', { min: -MAX_VALUE - 1, max: MAX_VALUE });
  if (value !== undefined || REAL_TIME.test(signal)) refuseWithoutLibrary();
  if (numberOf(signal) === undefined) throw badCommand(`no signal is called '${signal}'`);
  return { signal, value, count: members.whole(step, 'count', { otherwise: 1 }), gap: members.milliseconds(step, 'gap') };
}

/**
 * @param {object} step `receive`
 * @param {string} role
 * @returns {object} checked
 */
export function checkSignalReceive(step, role) {
  if (role !== 'server') throw badCommand('a client of this transport receives nothing');
  if (step.quiet !== undefined) return { quiet: members.milliseconds(step, 'quiet'), signals: [] };
  const signals = Array.isArray(step.signal) ? step.signal : [members.text(step, 'signal')];
  signals.forEach(refuseUnheard);
  return { signals, count: members.whole(step, 'count', { otherwise: 1 }) };
}

/** Steps `block` and `unblock`. */
export function checkBlock() {
  throw unsupported('Node takes signals in whatever thread the system chooses and has no call to hold their delivery back');
}

function refuseUnheard(name) {
  if (typeof name !== 'string') throw badCommand('a signal is named by a text');
  if (REAL_TIME.test(name)) throw unsupported(`process.on of Node knows no real-time signals, and so no ${name}`);
  if (os.constants.signals[`SIG${name}`] === undefined) throw badCommand(`no signal is called '${name}'`);
  if (NEVER.has(name)) throw unsupported(`no process can receive ${name}`);
}

function refuseWithoutLibrary() {
  const why = lacking();
  if (why !== undefined) throw unsupported(`sigqueue and real-time signals: ${why}`);
}
