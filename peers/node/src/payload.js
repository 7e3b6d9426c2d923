// Payload recipes: how a few words stand for many octets. Knows no socket and no conversation.

import { badCommand, unsupported } from './faults.js';
import * as members from './members.js';

/** The largest payload that is made, in octets: as much as the harness asks for. */
const MAX_OCTETS = 64 * 1024 * 1024;
const MAX_SEED = 0xffffffff;
const SEED_FOR_ZERO = 2654435769;
const LINE = 74;
const COLUMNS = 72;
const GRAPHICS = 95;
const HEX = /^(?:[0-9a-fA-F]{2})*$/;

const MAKERS = {
  'every-octet': everyOctet,
  constant: (seed, size) => Buffer.alloc(size, seed % 256),
  text: lines,
  random: xorshift,
};

/**
 * The maker of a payload, after its recipe was checked.
 *
 * @param {unknown} recipe
 * @returns {(higher?: number) => Buffer} makes the octets; `higher` is added to the seed of a pattern
 * @throws {import('./faults.js').CommandFault}
 */
export function payloadOf(recipe) {
  if (!members.isObject(recipe)) throw badCommand('a payload must be an object');
  if (recipe.text !== undefined) return fixed(Buffer.from(members.text(recipe, 'text'), 'utf8'));
  if (recipe.hex !== undefined) return fixed(hexOf(recipe, 'hex'));
  return patternOf(recipe);
}

/**
 * @param {object} holder
 * @param {string} name the member that holds an even number of hexadecimal digits
 * @returns {Buffer} the octets
 * @throws {import('./faults.js').CommandFault}
 */
export function hexOf(holder, name) {
  const digits = members.text(holder, name);
  if (!HEX.test(digits)) throw badCommand(`'${name}' must be an even number of hexadecimal digits`);
  return Buffer.from(digits, 'hex');
}

function fixed(octets) {
  return () => octets;
}

function patternOf(recipe) {
  const name = members.text(recipe, 'pattern');
  if (!Object.hasOwn(MAKERS, name)) throw unsupported(`no pattern is called '${name}'`);
  const seed = members.whole(recipe, 'seed', { max: MAX_SEED, otherwise: 0 });
  const size = members.whole(recipe, 'size');
  if (size > MAX_OCTETS) throw unsupported(`a payload has at most ${MAX_OCTETS} octets here`);
  return (higher = 0) => MAKERS[name]((seed + higher) % (MAX_SEED + 1), size);
}

function everyOctet(seed, size) {
  const octets = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i++) octets[i] = seed + i;
  return octets;
}

function lines(seed, size) {
  const octets = Buffer.allocUnsafe(size);
  for (let start = 0, first = seed % GRAPHICS; start < size; start += LINE, first = (first + 1) % GRAPHICS) {
    octets.set(line(first).subarray(0, size - start), start);
  }
  return octets;
}

const made = [];

/** One line, CR and LF included, that begins with graphic number `first`; there are only 95 of them. */
function line(first) {
  made[first] ??= Buffer.from(
    Array.from({ length: LINE }, (_, column) => {
      if (column < COLUMNS) return 32 + ((first + column) % GRAPHICS);
      return column === COLUMNS ? 13 : 10;
    }),
  );
  return made[first];
}

function xorshift(seed, size) {
  const octets = Buffer.allocUnsafe(Math.ceil(size / 4) * 4);
  let x = seed === 0 ? SEED_FOR_ZERO : seed;
  for (let at = 0; at < size; at += 4) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    octets[at] = x >>> 24;
    octets[at + 1] = x >>> 16;
    octets[at + 2] = x >>> 8;
    octets[at + 3] = x;
  }
  return octets.subarray(0, size);
}
