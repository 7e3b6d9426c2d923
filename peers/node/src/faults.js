// What can go wrong, in the words of the contract: commands that cannot be carried out, and steps that fail.
// The one border where errors of Node and of the system are translated. Knows no socket and no conversation.

import util from 'node:util';

/** A command that cannot be carried out; `fault` is `bad-command` or `unsupported`. */
export class CommandFault extends Error {
  /**
   * @param {'bad-command' | 'unsupported'} fault
   * @param {string} says one sentence
   */
  constructor(fault, says) {
    super(says);
    this.fault = fault;
  }
}

/**
 * @param {string} says what is missing or of the wrong type
 * @returns {CommandFault}
 */
export const badCommand = (says) => new CommandFault('bad-command', says);

/**
 * @param {string} says what this peer cannot do
 * @returns {CommandFault}
 */
export const unsupported = (says) => new CommandFault('unsupported', says);

/** A step that could not be done; `error` is one of the contract's words for the reason. */
export class StepFailure extends Error {
  /**
   * @param {string} error
   * @param {string} says the system's words, or ours where the system said nothing
   */
  constructor(error, says) {
    super(says);
    this.error = error;
  }
}

/** What cuts a conversation short at the command `stop`: an end, and no failure. */
export const STOPPED = new Error('stopped by command');

const WORDS = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRINUSE: 'address-in-use',
  EADDRNOTAVAIL: 'address-not-available',
  EEXIST: 'address-in-use',
  ENOENT: 'missing',
  ESRCH: 'missing',
  EMSGSIZE: 'too-large',
};

/**
 * @param {Error & {code?: string, errno?: number, syscall?: string}} error
 * @returns {{error: string, says: string}} the members of a `failed` step
 */
export function describe(error) {
  if (error instanceof StepFailure) return { error: error.error, says: error.message };
  // node:http says "socket hang up" with the code ECONNRESET, but without a system call, when a FIN came too early.
  if (error.code === 'ECONNRESET' && !error.syscall) return { error: 'ended', says: error.message };
  return { error: WORDS[error.code] ?? 'other', says: systemWords(error) };
}

/**
 * @param {Error & {code?: string}} error
 * @returns {boolean} whether a call said that the other side has reset the connection
 */
export const isReset = (error) => describe(error).error === 'reset';

function systemWords(error) {
  const known = error.errno === undefined ? undefined : util.getSystemErrorMap().get(error.errno);
  return known ? `${error.code}: ${known[1]}` : String(error.message);
}
