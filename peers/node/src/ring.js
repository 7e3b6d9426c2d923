// Two rings in shared memory as one stream: what each offset means, and in which order the numbers are stored.
// Knows no steps and reports nothing.

import os from 'node:os';
import { Channel } from './channel.js';
import { systemError } from './posix.js';

/** Octets before the first ring. */
export const HEAD = 640;
const CAPACITY = 0;
const HERE = 64;
const NUMBERS = 128;
const RING = 256;
const WRITTEN = 0;
const READ = 64;
const ENDED = 128;
const CLOSED = 192;
const WORD = 8;

/** The most octets that are copied in one go. */
const PIECE = 256 * 1024;

/** The numbers at the beginning of the memory: each load and store is atomic, and none passes another. */
class Numbers {
  #words;

  constructor(memory) {
    this.#words = new BigUint64Array(memory, 0, HEAD / WORD);
  }

  get(offset) {
    return Atomics.load(this.#words, offset / WORD);
  }

  set(offset, value) {
    Atomics.store(this.#words, offset / WORD, BigInt(value));
  }
}

/**
 * @param {{memory: ArrayBuffer}} mapping that was made
 * @param {number} capacity of each ring
 */
export const layOut = ({ memory }, capacity) => new Numbers(memory).set(CAPACITY, capacity);

/**
 * @param {{memory: ArrayBuffer}} mapping
 * @returns {boolean} whether it was laid out
 */
export function isLaidOut({ memory }) {
  const capacity = Number(new Numbers(memory).get(CAPACITY));
  return capacity > 0 && memory.byteLength >= HEAD + 2 * capacity;
}

/** @param {{memory: ArrayBuffer}} mapping whose server is told that the client has come */
export const tellHere = ({ memory }) => new Numbers(memory).set(HERE, 1);

/**
 * @param {{memory: ArrayBuffer}} mapping
 * @returns {boolean} whether the client has come
 */
export const isHere = ({ memory }) => new Numbers(memory).get(HERE) === 1n;

/** One side of the two rings. */
export class Ring extends Channel {
  #mapping;
  #numbers;
  #capacity;
  #mine;
  #theirs;

  /**
   * @param {{memory: ArrayBuffer, release: () => void}} mapping which is released with this
   * @param {number} mine the ring that this side writes into: 0 for a client, 1 for a server
   * @param {boolean} lazy
   */
  constructor(mapping, mine, lazy) {
    super(lazy);
    this.#mapping = mapping;
    this.#numbers = new Numbers(mapping.memory);
    this.#capacity = Number(this.#numbers.get(CAPACITY));
    this.#mine = this.#half(mine);
    this.#theirs = this.#half(1 - mine);
  }

  tryRead() {
    const { numbers, octets } = this.#theirs;
    // First the flag, then the count: nothing is written after it.
    const ended = this.#numbers.get(numbers + ENDED) === 1n;
    const read = this.#numbers.get(numbers + READ);
    const count = Math.min(Number(this.#numbers.get(numbers + WRITTEN) - read), PIECE);
    if (count === 0) return ended ? null : undefined;
    const piece = Buffer.allocUnsafe(count);
    const first = this.#untilWrap(read, count);
    piece.set(octets.subarray(first.start, first.start + first.count));
    piece.set(octets.subarray(0, count - first.count), first.count);
    this.#numbers.set(numbers + READ, read + BigInt(count));
    return piece;
  }

  tryWrite(piece) {
    const { numbers, octets } = this.#mine;
    if (this.#numbers.get(numbers + CLOSED) === 1n) throw systemError(os.constants.errno.EPIPE, 'write');
    const written = this.#numbers.get(numbers + WRITTEN);
    const room = this.#capacity - Number(written - this.#numbers.get(numbers + READ));
    const count = Math.min(room, piece.length, PIECE);
    if (count === 0) return undefined;
    const first = this.#untilWrap(written, count);
    octets.set(piece.subarray(0, first.count), first.start);
    octets.set(piece.subarray(first.count, count), 0);
    this.#numbers.set(numbers + WRITTEN, written + BigInt(count));
    return count;
  }

  endWriting() {
    this.#numbers.set(this.#mine.numbers + ENDED, 1);
  }

  dispose() {
    this.endWriting();
    this.#numbers.set(this.#theirs.numbers + CLOSED, 1);
    this.#numbers = undefined;
    this.#mine = undefined;
    this.#theirs = undefined;
    this.#mapping.release();
  }

  #half(ring) {
    const octets = new Uint8Array(this.#mapping.memory, HEAD + ring * this.#capacity, this.#capacity);
    return { numbers: NUMBERS + RING * ring, octets };
  }

  /** Where octet number `from` lies, and how many of `count` lie there before the ring begins anew. */
  #untilWrap(from, count) {
    const start = Number(from % BigInt(this.#capacity));
    return { start, count: Math.min(count, this.#capacity - start) };
  }
}
