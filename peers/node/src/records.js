// A socket of the Unix domain that keeps records apart, by its descriptor: reading that is eager or lazy, and calls that
// can be awaited. Knows no steps and reports nothing.

import fs from 'node:fs';
import { Patience } from './looking.js';
import * as unix from './posix-sockets.js';

/** How much eager reading keeps for later steps before it waits for them, so that memory has an end. */
const MAX_KEPT = 64 * 1024 * 1024;
/** What a record weighs there beside its octets. */
const OVERHEAD = 256;

/** A record as it came. @typedef {{octets: Buffer, sender: Buffer, descriptors: number[], marked: boolean}} Record */

/** A socket that is bound or connected. */
export class Records {
  #fd;
  #isEnd;
  #lazy;
  #patience = new Patience();
  #kept = [];
  #weight = 0;
  #over = false;
  #error;
  #waiter;
  #reading = false;

  /**
   * @param {number} fd which is closed with this
   * @param {boolean} lazy
   * @param {(record: Record) => boolean} isEnd tells an end from a record
   */
  constructor(fd, lazy, isEnd) {
    this.#fd = fd;
    this.#lazy = lazy;
    this.#isEnd = isEnd;
    this.#steer();
  }

  /**
   * @param {Buffer} octets of one record
   * @param {{to?: Buffer, descriptor?: number}} more whom to, if that is not who is connected; what goes with it
   */
  async send(octets, { to, descriptor }) {
    const passing = () => unix.sendWith(this.#fd, octets, [descriptor]);
    await this.#patience.until(descriptor === undefined ? () => unix.send(this.#fd, octets, to) : passing);
  }

  /** @returns {Promise<Record | undefined>} the next one; undefined at the end */
  next() {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#serve();
      this.#steer();
    });
  }

  /** Ends a `next` that has nothing yet. */
  giveUpWaiting() {
    this.#waiter = undefined;
  }

  endSending() {
    unix.endSending(this.#fd);
  }

  close() {
    if (this.#fd === undefined) return;
    this.#patience.end();
    fs.closeSync(this.#fd);
    this.#fd = undefined;
    for (const { descriptors } of this.#kept.splice(0)) unix.closeAll(descriptors);
  }

  /** Reads as long as somebody waits, or ahead. */
  async #steer() {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#wanted()) this.#came(await this.#patience.until(() => unix.receive(this.#fd)));
    } catch (error) {
      this.#error ??= error;
    }
    this.#reading = false;
    this.#serve();
  }

  #wanted() {
    if (this.#over || this.#error || this.#fd === undefined) return false;
    return this.#waiter !== undefined || (!this.#lazy && this.#weight < MAX_KEPT);
  }

  #came(record) {
    if (this.#isEnd(record)) this.#over = true;
    else {
      this.#kept.push(record);
      this.#weight += record.octets.length + OVERHEAD;
    }
    this.#serve();
  }

  #serve() {
    if (!this.#waiter) return;
    const { resolve, reject } = this.#waiter;
    if (this.#kept.length > 0) resolve(this.#first());
    else if (this.#error) reject(this.#error);
    else if (this.#over) resolve(undefined);
    else return;
    this.#waiter = undefined;
  }

  #first() {
    const record = this.#kept.shift();
    this.#weight -= record.octets.length + OVERHEAD;
    return record;
  }
}
