// FTP as a service, with the npm package ftp-srv. Owns who is let in, the trees of the sessions and what ends with them;
// everything else is the library's.

import net from 'node:net';
import { follow } from './following.js';
import { SessionFiles } from './ftp-files.js';
import { libraryServer } from './ftp-library.js';
import { Tree, filesOf } from './ftp-tree.js';
import * as members from './members.js';
import { TcpListener } from './service-tcp.js';

const NOBODY = 'nobody';

/**
 * @param {object} command `serve` with `files`
 * @param {import('./output.js').Report} report of the service
 * @param {() => import('./output.js').Report} newReport of one connection
 * @returns {{stop: () => void}}
 */
export function serveFtp(command, report, newReport) {
  const endpoint = members.endpoint(command);
  const files = filesOf(command);
  const ftp = libraryServer(endpoint);
  const sessions = new WeakMap();
  ftp.on('connect', ({ connection }) => sessions.set(connection.commandSocket, new Session(connection, files)));
  ftp.on('login', ({ connection, username }, letIn, refuse) => {
    if (username === NOBODY) refuse(new Error('Not you'));
    else letIn({ fs: sessions.get(connection.commandSocket).begin() });
  });
  return new TcpListener(ftp.server, endpoint, report, (socket) => {
    socket.setNoDelay();
    return { stop: () => socket.destroy(), over: sessions.get(socket).follow(socket, newReport()) };
  });
}

/** One control connection, and what ends with it: its tree, open files, data connections. */
class Session {
  #connection;
  #files;
  #report;
  #disk;
  #handles = new Set();
  #over = false;

  constructor(connection, files) {
    this.#connection = connection;
    this.#files = files;
    // A listener whose place a later PASV took, and a data connection that nobody reads from: the library forgets them.
    watch(connection, 'connector', (connector) => {
      for (const name of ['dataSocket', 'dataServer']) watch(connector, name, (handle) => this.#keep(handle));
    });
  }

  /**
   * @param {net.Socket} socket
   * @param {import('./output.js').Report} report
   * @returns {Promise<void>} when nothing is left of the session; only then `closed` is told
   */
  follow(socket, report) {
    this.#report = report;
    return new Promise((resolve) => follow(socket, report, (tell) => this.#end().then(tell).then(resolve)));
  }

  /**
   * The library may ask twice, or when the session is over already: commands that come together are all carried out.
   *
   * @returns {SessionFiles} the files of somebody who was let in
   */
  begin() {
    if (this.#over) throw new Error('The session is over');
    this.#disk ??= new SessionFiles(this.#connection, new Tree(this.#files), (stored) => this.#report.add('stored', stored));
    return this.#disk;
  }

  /** What comes about only after the end ends at once. */
  #keep(handle) {
    this.#handles.add(handle);
    handle.once('close', () => this.#handles.delete(handle));
    const endLate = () => this.#over && end(handle);
    for (const event of ['listening', 'connect']) handle.once(event, endLate);
    endLate();
  }

  async #end() {
    this.#over = true;
    for (const handle of this.#handles) end(handle);
    try {
      await this.#disk?.end();
    } catch (error) {
      console.error(error);
    }
  }
}

function end(handle) {
  if (handle instanceof net.Server) handle.close();
  else handle.destroy();
}

/** Calls `onSet` with whatever becomes the value of this property. */
function watch(owner, name, onSet) {
  let value = owner[name];
  const set = (next) => {
    value = next;
    if (next) onSet(next);
  };
  Object.defineProperty(owner, name, { get: () => value, set });
}
