// What ftp-srv reads and writes in a session: its own file system, in a tree, with a report of what was stored and an end for all of it
// when the session ends. Knows no socket.

import fs from 'node:fs';
import { FileSystem } from './ftp-library.js';
import { Tally } from './tally.js';

/** Octets of a file that are read at once. */
const PIECE = 1024 * 1024;

/** The library asks for files here; what it says of them to the client is its own affair. */
export class SessionFiles extends FileSystem {
  #tree;
  #onStored;
  #open = new Set();
  #unfinished = new Set();
  #over = false;

  /**
   * @param {object} connection of the library
   * @param {import('./ftp-tree.js').Tree} tree
   * @param {(stored: {name: string, octets: number, digest: string}) => void} onStored
   */
  constructor(connection, tree, onStored) {
    super(connection, { root: tree.root });
    this.#tree = tree;
    this.#onStored = onStored;
  }

  /** The library asks for it whenever it turns to a file, also for commands that it comes to when the session is over. */
  get root() {
    if (this.#over) throw new Error('The session is over');
    return super.root;
  }

  read(name, options) {
    return super.read(name, options).tap(({ stream }) => this.#keep(stream));
  }

  write(name, options) {
    const found = super.write(name, options);
    const stream = this.#keep(found.stream);
    // The library says 226 when the file is finished, and that it is only when it was told of.
    stream._final = (done) => this.#tell(stream).then(() => done(), done);
    return found;
  }

  mkdir(name) {
    return this.#count(super.mkdir(name));
  }

  rename(from, to) {
    return this.#count(super.rename(from, to));
  }

  /** Modes could make a tree that cannot be removed. */
  chmod() {
    throw new Error('There are no modes here');
  }

  /** Closes every file, and removes the tree as soon as nothing more is made there. */
  async end() {
    this.#over = true;
    for (const stream of this.#open) stream.destroy();
    await Promise.allSettled(this.#unfinished);
    await this.#tree.remove();
  }

  /** The library finishes also a file whose transfer broke off, and destroys it in the same breath. */
  async #tell(stream) {
    const tally = new Tally();
    const reader = this.#keep(fs.createReadStream(stream.path, { highWaterMark: PIECE }));
    for await (const piece of reader) tally.add(piece);
    if (!stream.destroyed) this.#onStored({ name: this.#tree.nameOf(stream.path), ...tally.result() });
  }

  #keep(stream) {
    this.#open.add(stream);
    // At the end of the data the library says 'close' to a file that is being stored, and means that it shall end.
    const closed = new Promise((resolve) => stream.on('close', () => stream.closed && resolve()));
    this.#count(closed).then(() => this.#open.delete(stream));
    if (this.#over) stream.destroy();
    return stream;
  }

  /** @returns {Promise<any>} the same work, which is waited for at the end */
  #count(work) {
    this.#unfinished.add(work);
    return work.finally(() => this.#unfinished.delete(work));
  }
}
