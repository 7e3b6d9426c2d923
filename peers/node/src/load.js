// A raw rate for benchmarks: echo conversations over TCP, as fast as Node holds them, with nothing reported of any
// single one. Knows only the octets that it sends and how many came back.

import net from 'node:net';
import * as members from './members.js';
import { now } from './output.js';
import { payloadOf } from './payload.js';

const MAX_PARALLEL = 10_000;
const BUFFER = 64 * 1024;

/**
 * @param {object} command `load`
 * @param {import('./output.js').Report} report
 * @returns {{stop: () => void}}
 */
export function loadTcp(command, report) {
  const load = new Load(command, report);
  load.begin();
  return load;
}

class Load {
  #remote;
  #octets;
  #left;
  #parallel;
  #report;
  #total;
  #failed = 0;
  #open = new Set();
  #stopped = false;
  #t0 = now();
  /** What comes back is only counted: all connections read into one place. */
  #place = Buffer.allocUnsafeSlow(BUFFER);

  constructor(command, report) {
    const { address, port } = members.endpoint(command);
    this.#remote = { host: address, port, allowHalfOpen: true, noDelay: true };
    this.#octets = payloadOf(command.payload)();
    this.#total = members.whole(command, 'conversations');
    this.#left = this.#total;
    this.#parallel = members.whole(command, 'parallel', { min: 1, max: MAX_PARALLEL });
    this.#report = report;
  }

  begin() {
    if (this.#total === 0) setImmediate(() => this.#finish());
    for (let lane = 0; lane < Math.min(this.#parallel, this.#total); lane++) this.#converse();
  }

  stop() {
    this.#stopped = true;
    this.#left = 0;
    for (const socket of this.#open) socket.destroy();
  }

  #converse() {
    this.#left -= 1;
    let missing = this.#octets.length;
    const callback = (octets) => {
      missing -= octets;
      return true;
    };
    const socket = net.connect({ ...this.#remote, onread: { buffer: this.#place, callback } });
    this.#open.add(socket);
    // Both directions at their end: Node closes the socket by itself.
    socket.once('connect', () => socket.end(this.#octets));
    socket.on('error', () => (missing = NaN));
    socket.on('end', () => {});
    socket.once('close', () => this.#closed(socket, missing === 0));
  }

  #closed(socket, good) {
    this.#open.delete(socket);
    if (!good) this.#failed += 1;
    if (this.#left > 0) this.#converse();
    else if (this.#open.size === 0) this.#finish();
  }

  #finish() {
    if (!this.#stopped) this.#report.add('loaded', { conversations: this.#total, failed: this.#failed, t0: this.#t0 });
    this.#report.done();
  }
}
