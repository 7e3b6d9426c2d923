// The ends of two pipes or FIFOs, one to read from and one to write to, as one stream: net.Socket does the work, as far as
// there is one for each. Knows neither how they were made nor what passes.

import { EventEmitter } from 'node:events';
import net from 'node:net';
import { StepFailure } from './faults.js';
import { LAZY_BUFFER } from './stream.js';

/** What Stream wants of a socket. */
export class Ends extends EventEmitter {
  #reading;
  #writing;
  #open = new Set();

  /**
   * @param {number | undefined} reading a descriptor, which is closed with this
   * @param {number | undefined} writing another
   * @param {boolean} lazy whether little is read ahead
   * @param {Buffer} [first] octets that were read already
   */
  constructor(reading, writing, lazy, first) {
    super();
    if (reading !== undefined) this.#reading = this.#follow(readerOf(reading, lazy));
    if (writing !== undefined) this.#writing = this.#follow(writerOf(writing));
    if (first?.length > 0) this.#reading.unshift(first);
    this.#reading?.on('data', (piece) => this.emit('data', piece));
    this.#reading?.on('end', () => this.emit('end'));
  }

  get destroyed() {
    return this.#open.size === 0;
  }

  isPaused() {
    return this.#reading?.isPaused() ?? true;
  }

  pause() {
    this.#reading?.pause();
  }

  resume() {
    this.#reading?.resume();
  }

  write(octets, done) {
    if (this.#writing) this.#writing.write(octets, done);
    else done(new StepFailure('other', 'there is no end to write to'));
  }

  /** A pipe has no shutdown: its writing end is closed. */
  end(done) {
    if (!this.#writing || this.#writing.destroyed) done();
    else {
      this.#writing.once('close', () => done());
      this.#writing.destroy();
    }
  }

  destroy() {
    for (const socket of this.#open) socket.destroy();
  }

  #follow(socket) {
    this.#open.add(socket);
    socket.on('error', (error) => this.emit('error', error));
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size === 0) this.emit('close');
    });
    return socket;
  }
}

const writerOf = (fd) => new net.Socket({ fd, readable: false, writable: true });

/** Paused, it leaves the octets with the system until somebody wants them. */
function readerOf(fd, lazy) {
  const manner = { fd, readable: true, writable: false, pauseOnCreate: true };
  return new net.Socket({ ...manner, ...(lazy && { readableHighWaterMark: LAZY_BUFFER }) });
}
