// Counting and digesting the octets that pass a socket. Knows no socket.

import crypto from 'node:crypto';

/** Node 20.12 has a one-shot digest that costs a fraction of a Hash object; most conversations need no more. */
const sha256 =
  crypto.hash !== undefined
    ? (octets) => crypto.hash('sha256', octets, 'hex')
    : (octets) => crypto.createHash('sha256').update(octets).digest('hex');

const NOTHING = sha256(Buffer.alloc(0));

/** The number of octets so far and their SHA-256; with `keep`, the first of them too. */
export class Tally {
  /** @param {number} [keep] how many octets to show as `hex`; undefined: none, and no `hex` */
  constructor(keep) {
    this.octets = 0;
    this.keep = keep;
    this.head = keep === undefined ? undefined : [];
    // The first piece waits for a second one before a Hash object is made.
    this.first = undefined;
    this.hash = undefined;
  }

  /** @param {Buffer} piece octets that passed; must not be changed afterwards */
  add(piece) {
    if (piece.length === 0) return;
    if (this.octets < this.keep) this.head.push(piece.subarray(0, this.keep - this.octets));
    this.octets += piece.length;
    if (this.hash) this.hash.update(piece);
    else if (this.first === undefined) this.first = piece;
    else {
      this.hash = crypto.createHash('sha256').update(this.first).update(piece);
      this.first = undefined;
    }
  }

  /** @returns {{octets: number, digest: string, hex?: string}} to be asked for once */
  result() {
    const result = { octets: this.octets, digest: this.#digest() };
    if (this.head) result.hex = Buffer.concat(this.head).toString('hex');
    return result;
  }

  #digest() {
    if (this.hash) return this.hash.digest('hex');
    return this.first === undefined ? NOTHING : sha256(this.first);
  }
}

/** Takes the place of a Tally where nothing is reported. */
export const UNCOUNTED = Object.freeze({ add() {}, result: () => ({}) });

/**
 * @param {Buffer} octets
 * @param {number} [keep] as for Tally
 * @returns {{octets: number, digest: string, hex?: string}} the tally of one piece
 */
export function tallyOf(octets, keep) {
  const tally = new Tally(keep);
  tally.add(octets);
  return tally.result();
}
