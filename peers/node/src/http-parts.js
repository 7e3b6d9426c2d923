// What both sides of HTTP share: checking and reading parts of messages, and handing content to node:http.
// Knows neither sites nor conversations.

import http from 'node:http';
import { badCommand } from './faults.js';
import * as members from './members.js';

/** Octets in one chunk of a chunked message: small enough that larger contents have several. */
export const CHUNK = 16 * 1024;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FRAMING = ['content-length', 'transfer-encoding'];

/**
 * @param {object} holder
 * @returns {string} its member `method`
 * @throws {import('./faults.js').CommandFault}
 */
export function methodOf(holder) {
  const method = members.text(holder, 'method');
  if (!TOKEN.test(method)) throw badCommand("'method' must be a token");
  return method;
}

/**
 * @param {object} holder
 * @returns {[string, string][]} its member `fields`, or none
 * @throws {import('./faults.js').CommandFault}
 */
export function fieldsOf({ fields = [] }) {
  if (!Array.isArray(fields)) throw badCommand("'fields' must be a list of pairs");
  for (const field of fields) checkField(field);
  return fields;
}

/**
 * @param {unknown} field that must be a name and a value which node:http will take
 * @throws {import('./faults.js').CommandFault}
 */
export function checkField(field) {
  if (!Array.isArray(field) || field.length !== 2 || !field.every((part) => typeof part === 'string')) {
    throw badCommand('a field must be a pair of texts');
  }
  try {
    http.validateHeaderName(field[0]);
    http.validateHeaderValue(...field);
  } catch (error) {
    throw badCommand(error.message);
  }
}

/**
 * @param {object} holder
 * @returns {'length' | 'chunked'} its member `coding`
 * @throws {import('./faults.js').CommandFault}
 */
export const codingOf = (holder) => members.choice(holder, 'coding', ['length', 'chunked'], 'length');

/**
 * @param {[string, string]} field
 * @returns {boolean} whether it says where the content of its message ends
 */
export const isFraming = ([name]) => FRAMING.includes(name.toLowerCase());

/**
 * @param {string[]} flat name, value, name, value, as node:http hands fields over (decoded as Latin-1)
 * @returns {[string, string][]}
 */
export function pairs(flat) {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]);
}

/**
 * Ends a message with its content: in several chunks if its head says that it is chunked, else whole.
 *
 * @param {http.OutgoingMessage} message
 * @param {Buffer} octets
 */
export function sendContent(message, octets) {
  for (let start = 0; message.chunkedEncoding && start < octets.length; start += CHUNK) {
    message.write(octets.subarray(start, start + CHUNK));
  }
  message.end(message.chunkedEncoding ? undefined : octets);
}
