// Reading the members of commands and steps. Every function throws a CommandFault that says what is wrong;
// none knows what a member is for.

import net from 'node:net';
import { badCommand, unsupported } from './faults.js';

/**
 * @param {unknown} value
 * @returns {boolean} whether it is a JSON object
 */
export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * @param {object} holder
 * @param {string} name
 * @returns {string}
 */
export function text(holder, name) {
  const value = holder[name];
  if (typeof value !== 'string') throw badCommand(`'${name}' must be a text`);
  return value;
}

/**
 * @param {object} holder
 * @param {string} name
 * @param {{min?: number, max?: number, otherwise?: number}} [bounds] `otherwise` is taken where the member is missing
 * @returns {number}
 */
export function whole(holder, name, { min = 0, max = Number.MAX_SAFE_INTEGER, otherwise } = {}) {
  const value = holder[name] ?? otherwise;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw badCommand(`'${name}' must be a whole number from ${min} to ${max}`);
  }
  return value;
}

/**
 * @param {object} holder
 * @param {string} name
 * @param {object} [bounds] as for `whole`
 * @returns {number | undefined} undefined where the member is missing
 */
export function optionalWhole(holder, name, bounds) {
  return holder[name] === undefined ? undefined : whole(holder, name, bounds);
}

/**
 * @param {object} holder
 * @param {string} name
 * @param {{max?: number, otherwise?: number[]}} [bounds] as for `whole`
 * @returns {number[]}
 */
export function wholes(holder, name, { max = Number.MAX_SAFE_INTEGER, otherwise } = {}) {
  const values = holder[name] ?? otherwise;
  const good = Array.isArray(values) && values.every((value) => Number.isInteger(value) && value >= 0 && value <= max);
  if (!good) throw badCommand(`'${name}' must be a list of whole numbers from 0 to ${max}`);
  return values;
}

/**
 * @param {object} holder
 * @param {string} name
 * @returns {boolean} false where the member is missing
 */
export function flag(holder, name) {
  const value = holder[name] ?? false;
  if (typeof value !== 'boolean') throw badCommand(`'${name}' must be true or false`);
  return value;
}

/** The longest time that Node's timers can wait, in milliseconds. */
export const MAX_WAIT = 2 ** 31 - 1;

/**
 * @param {object} holder
 * @param {string} name
 * @returns {number | undefined} milliseconds; undefined where the member is missing
 */
export const milliseconds = (holder, name) => optionalWhole(holder, name, { max: MAX_WAIT });

/** The most octets that `keep` can show: twice as many digits must fit into one line. */
const MAX_KEEP = 450_000;

/**
 * @param {object} holder
 * @returns {number | undefined} its member `keep`, in octets; undefined where it is missing
 */
export function keep(holder) {
  const octets = optionalWhole(holder, 'keep');
  if (octets > MAX_KEEP) throw unsupported(`'keep' shows at most ${MAX_KEEP} octets here`);
  return octets;
}

/** How long a conversation may take that does not say it, in milliseconds. */
const DEADLINE = 10_000;

/**
 * @param {object} command
 * @returns {number} milliseconds
 */
export const deadline = (command) => milliseconds(command, 'deadline') ?? DEADLINE;

/**
 * @param {object} holder
 * @param {string} name
 * @param {string[]} choices
 * @param {string} [otherwise] taken where the member is missing
 * @returns {string}
 */
export function choice(holder, name, choices, otherwise) {
  const value = holder[name] ?? otherwise;
  if (!choices.includes(value)) throw badCommand(`'${name}' must be one of ${choices.join(', ')}`);
  return value;
}

/**
 * @param {object} holder
 * @param {string} name
 * @returns {object[]}
 */
export function objects(holder, name) {
  const value = holder[name];
  if (!Array.isArray(value) || !value.every(isObject)) throw badCommand(`'${name}' must be a list of objects`);
  return value;
}

/**
 * @param {object} command
 * @returns {{address: string, port: number, family: 4 | 6}} the members `address` and `port`
 */
export function endpoint(command) {
  const address = text(command, 'address');
  const family = net.isIP(address);
  if (family === 0) throw badCommand("'address' must be an IPv4 or IPv6 address");
  return { address, port: whole(command, 'port', { max: 65535 }), family };
}

/**
 * @param {object} command of a group
 * @param {4 | 6} family of the group
 * @returns {{link: string, local: string, hops?: number, source?: string}} `link` names the interface
 */
export function group(command, family) {
  const host = (name) => {
    if (net.isIP(text(command, name)) !== family) throw badCommand(`'${name}' must be an IPv${family} address`);
    return command[name];
  };
  return {
    link: text(command, 'interface'),
    local: host('local'),
    hops: optionalWhole(command, 'hops', { max: 255 }),
    source: command.source === undefined ? undefined : host('source'),
  };
}
