// A listener or a connection attempt of the Unix domain, by its descriptor, for what node:net does not know: abstract
// names, records, descriptors, credentials. Knows no steps.

import fs from 'node:fs';
import process from 'node:process';
import { Patience } from './looking.js';
import * as unix from './posix-sockets.js';

export const BACKLOG = 4096;
/** Whatever is made meanwhile is for its user alone. */
const MINE_ALONE = 0o177;

/**
 * @template T
 * @param {() => T} make makes a name in a folder, at once
 * @returns {T}
 */
export function forMeAlone(make) {
  const before = process.umask(MINE_ALONE);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

/** @returns {{pid: number, uid: number, gid: number}} who this process is, as the other side's system would tell it */
export const ownCredentials = () => ({ pid: process.pid, uid: process.geteuid(), gid: process.getegid() });

/** @param {string} path which need not be there any more */
export function removeName(path) {
  fs.rmSync(path, { force: true });
}

/** What a server binds, or what a client connects with. */
export class UnixDoor {
  #type;
  #fd;
  #path;
  #patience = new Patience();

  /** @param {number} type of the socket */
  constructor(type) {
    this.#type = type;
  }

  /** Makes the socket. */
  create() {
    this.#fd = unix.socket(this.#type);
  }

  /** @param {string} address that gets this name until the door is closed */
  bind(address) {
    const name = unix.nameOf(address);
    forMeAlone(() => unix.bind(this.#fd, name));
    if (!address.startsWith('@')) this.#path = address;
  }

  /** @param {number} [backlog] */
  listen(backlog = BACKLOG) {
    unix.listen(this.#fd, backlog);
  }

  /** @returns {Promise<number>} the descriptor of the next connection, which the caller must close */
  accept() {
    return this.#patience.until(() => unix.accept(this.#fd));
  }

  /**
   * @param {string} address
   * @returns {Promise<void>}
   */
  async connect(address) {
    const name = unix.nameOf(address);
    await this.#patience.until(() => unix.connect(this.#fd, name));
  }

  /** @returns {number} the socket itself, which the caller must close instead of the door */
  take() {
    const fd = this.#fd;
    this.#fd = undefined;
    return fd;
  }

  /** Closes the socket and removes its name. */
  close() {
    this.#patience.end();
    if (this.#fd !== undefined) fs.closeSync(this.take());
    if (this.#path !== undefined) removeName(this.#path);
    this.#path = undefined;
  }
}
