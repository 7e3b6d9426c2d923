// One UDP socket as scripts see it: datagrams that wait in a queue, and calls that can be awaited. Knows no steps and
// reports nothing.
//
// Node cannot leave datagrams with the system, so reading is always eager here: that differs from lazy reading only
// when more comes than the system's own buffer would hold.

import dgram from 'node:dgram';
import { pair } from './addresses.js';
import { Turnstile } from './pace.js';

/**
 * All conversations together send no more than this in one turn: the system holds few datagrams for a service, which
 * may live in this very process, and Node reads no more than 32 of them in a turn.
 */
export const DOOR = new Turnstile(16);

/** How much may wait in the queue before further datagrams are dropped, as a system drops them. */
const MAX_KEPT = 64 * 1024 * 1024;
/** What a datagram weighs there beside its octets, so that empty ones have an end, too. */
const OVERHEAD = 256;

/** A datagram and who sent it. @typedef {{octets: Buffer, sender: {address: string, port: number}}} Datagram */

/** A socket that is bound, connected, or neither before its first `send`. */
export class Datagrams {
  #socket;
  #connects;
  #kept = [];
  #weight = 0;
  #error;
  #waiter;
  #closed;

  /**
   * @param {'udp4' | 'udp6'} type
   * @param {boolean} connects whether the socket gets a peer address
   * @param {boolean} [shared] whether others may be bound to the same address and port
   */
  constructor(type, connects, shared = false) {
    this.#connects = connects;
    this.#socket = dgram.createSocket({ type, ipv6Only: type === 'udp6', reuseAddr: shared });
    this.#socket.on('message', (octets, sender) => this.#came({ octets, sender }));
    this.#socket.on('error', (error) => this.#failed(error));
  }

  /** @returns {[string, number]} what the socket is bound to; that may be the unspecified address */
  local() {
    return pair(this.#socket.address());
  }

  /** @returns {dgram.Socket} for what the system is asked of groups */
  get socket() {
    return this.#socket;
  }

  /**
   * Where datagrams to a partner come from, for a socket that was bound by its first `send` only: the port is the
   * socket's, the address is what the system gives to another socket that it connects to the same partner.
   *
   * @param {{address: string, port: number}} partner
   * @returns {Promise<[string, number]>}
   */
  async localTowards({ address, port }) {
    const probe = new Datagrams(this.#socket.type, true);
    try {
      await probe.connect(address, port);
      return [probe.local()[0], this.local()[1]];
    } finally {
      await probe.close();
    }
  }

  /**
   * @param {string} address
   * @param {number} port
   * @returns {Promise<void>}
   */
  bind(address, port) {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind({ address, port, exclusive: true }, resolve);
    });
  }

  /**
   * @param {string} address
   * @param {number} port
   * @returns {Promise<void>}
   */
  connect(address, port) {
    return new Promise((resolve, reject) => {
      this.#socket.connect(port, address, (error) => (error ? reject(error) : resolve()));
    });
  }

  /**
   * @param {Buffer} octets of one datagram
   * @param {{address: string, port: number}} to not looked at by a connected socket
   * @returns {Promise<void>}
   */
  send(octets, to) {
    return new Promise((resolve, reject) => {
      // The system tells about an ICMP message once, with the next call; Node told us already.
      const done = (error) => (error ? reject(error) : resolve());
      if (this.#error) done(this.#error);
      else if (this.#connects) this.#socket.send(octets, done);
      else this.#socket.send(octets, to.port, to.address, done);
    });
  }

  /** @returns {Promise<Datagram>} the first that came and was not yet asked for */
  next() {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#serve();
    });
  }

  /** Ends a `next` that has nothing yet. */
  giveUpWaiting() {
    this.#waiter = undefined;
  }

  /** @returns {Promise<void>} */
  close() {
    this.#closed ??= new Promise((resolve) => this.#socket.close(resolve));
    return this.#closed;
  }

  #came(datagram) {
    const weight = datagram.octets.length + OVERHEAD;
    if (this.#weight + weight > MAX_KEPT) return;
    this.#kept.push(datagram);
    this.#weight += weight;
    this.#serve();
  }

  #failed(error) {
    this.#error ??= error;
    this.#serve();
  }

  #serve() {
    if (!this.#waiter) return;
    if (this.#kept.length > 0) this.#give(this.#kept.shift());
    else if (this.#error) {
      this.#waiter.reject(this.#error);
      this.#waiter = undefined;
    }
  }

  #give(datagram) {
    this.#weight -= datagram.octets.length + OVERHEAD;
    this.#waiter.resolve(datagram);
    this.#waiter = undefined;
  }
}
