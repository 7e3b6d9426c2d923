// A stream socket of the Unix domain by its descriptor, which passes other descriptors along with its octets.
// Knows no steps and reports nothing.

import fs from 'node:fs';
import { Channel } from './channel.js';
import * as unix from './posix-sockets.js';
import { StepFailure } from './faults.js';

/** More than the system takes in one call; what a descriptor goes with is copied. */
const MOST = 256 * 1024;

/** A connected socket. */
export class RawSocket extends Channel {
  #fd;
  #passing = [];
  #came = [];
  #ended = false;
  #wanting;

  /**
   * @param {number} fd which is closed with this
   * @param {boolean} lazy
   */
  constructor(fd, lazy) {
    super(lazy);
    this.#fd = fd;
  }

  /** @param {number} fd that goes with the next write, and is closed then */
  pass(fd) {
    this.#passing.push(fd);
  }

  /** @returns {Promise<number>} the first descriptor that came and was not yet asked for; the asker must close it */
  descriptor() {
    return new Promise((resolve, reject) => {
      this.#wanting = { resolve, reject };
      this.#serve();
    });
  }

  /** Closes the descriptors that nobody asked for; those that came outlive the socket. */
  closeUnclaimed() {
    unix.closeAll(this.#came.splice(0));
    unix.closeAll(this.#passing.splice(0));
  }

  tryRead() {
    const message = unix.receive(this.#fd);
    if (message === undefined) return undefined;
    this.#came.push(...message.descriptors);
    this.#ended = message.octets.length === 0;
    this.#serve();
    return this.#ended ? null : message.octets;
  }

  tryWrite(octets) {
    if (this.#passing.length === 0) return unix.send(this.#fd, octets);
    const count = unix.sendWith(this.#fd, octets.subarray(0, MOST), this.#passing);
    if (count !== undefined) unix.closeAll(this.#passing.splice(0));
    return count;
  }

  endWriting() {
    unix.endSending(this.#fd);
  }

  dispose() {
    fs.closeSync(this.#fd);
    this.#ended = true;
    this.#serve();
  }

  #serve() {
    if (!this.#wanting) return;
    const { resolve, reject } = this.#wanting;
    if (this.#came.length > 0) resolve(this.#came.shift());
    else if (this.#ended) reject(new StepFailure('ended', 'the stream ended, and no descriptor came'));
    else return;
    this.#wanting = undefined;
  }
}
