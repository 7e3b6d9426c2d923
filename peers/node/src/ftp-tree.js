// The files of one FTP session: a folder of the system's that holds them while the session lasts. Knows no socket and no library.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { badCommand } from './faults.js';
import * as members from './members.js';
import { payloadOf } from './payload.js';

/**
 * @param {object} command `serve`
 * @returns {{name: string, hole: number, octets: Buffer}[]} its files
 */
export const filesOf = (command) => members.objects(command, 'files').map(fileOf);

function fileOf(raw) {
  const name = members.text(raw, 'name');
  if (name.split('/').some((part) => ['', '.', '..'].includes(part))) throw badCommand(`'${name}' is no name of a file in a tree`);
  return { name, hole: members.whole(raw, 'hole', { otherwise: 0 }), octets: payloadOf(raw.content)() };
}

/** A root with files of its own, until it is removed. */
export class Tree {
  /** @param {{name: string, hole: number, octets: Buffer}[]} files as `filesOf` makes them */
  constructor(files) {
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-ftp-'));
    for (const file of files) this.#put(file);
  }

  /**
   * @param {string} place a file of the tree, as the system names it
   * @returns {string} its name in the tree
   */
  nameOf(place) {
    return path.relative(this.root, place).replaceAll(path.sep, '/');
  }

  /** @returns {Promise<void>} when nothing is left; nothing may be made in it meanwhile */
  remove() {
    return fs.promises.rm(this.root, { recursive: true, force: true });
  }

  #put({ name, hole, octets }) {
    const place = path.join(this.root, name);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, '');
    fs.truncateSync(place, hole);
    fs.appendFileSync(place, octets);
  }
}
