// The small services of RFC 862 to 868 over TCP. Owns their connections; knows neither commands nor other services.

import net from 'node:net';
import { ends, pair } from './addresses.js';
import { CHARGEN_PIECE, daytime, quote, time } from './answers.js';
import { describe, isReset } from './faults.js';
import * as members from './members.js';
import { MUTE } from './output.js';
import { Tally, UNCOUNTED } from './tally.js';

const BACKLOG = 4096;
/** How long a server that closes first waits for the client's FIN, in milliseconds. */
const LINGER = 5000;
/** Octets that may wait to be sent before reading pauses. */
const FLOOD = 256 * 1024;

const BEHAVIOURS = {
  echo,
  discard,
  chargen,
  qotd: answerWith(quote),
  daytime: answerWith(daytime),
  time: answerWith(time),
};

/** The names of the services that `serveTcp` has. */
export const TCP_SERVICES = Object.keys(BEHAVIOURS);

/**
 * @param {object} command `serve`
 * @param {import('./output.js').Report} report of the service
 * @param {() => import('./output.js').Report} newReport of one connection
 * @returns {{stop: () => void}}
 */
export const serveTcp = (command, report, newReport) => serveTcpWith(BEHAVIOURS[command.service], command, report, newReport);

/**
 * @param {(connection: Connection) => void} behave what to do with each connection
 * @param {object} command `serve`
 * @param {import('./output.js').Report} report of the service
 * @param {() => import('./output.js').Report} newReport of one connection
 * @returns {{stop: () => void}}
 */
export function serveTcpWith(behave, command, report, newReport) {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true });
  return new TcpListener(server, members.endpoint(command), report, (socket) => {
    const connection = new Connection(socket, newReport());
    behave(connection);
    return connection;
  });
}

/** A listener of any TCP service, from `created` to `done`. */
export class TcpListener {
  #server;
  #report;
  #open = new Set();
  #stopped = false;

  /**
   * @param {net.Server} server not listening yet
   * @param {{address: string, port: number}} endpoint
   * @param {import('./output.js').Report} report
   * @param {(socket: net.Socket) => {stop: () => void, over?: Promise<void>}} onConnection returns what `stop` has to stop; `over` is
   *   there where the socket's end is not the end of its report
   */
  constructor(server, { address, port }, report, onConnection) {
    this.#server = server;
    this.#report = report;
    report.add('created');
    server.on('connection', (socket) => this.#admit(socket, onConnection));
    server.on('error', (error) => this.#failed(error));
    server.listen({ host: address, port, backlog: BACKLOG, ipv6Only: true, exclusive: true }, () => this.#listening());
  }

  /** Closes the listener and every connection, then reports `done`. */
  stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    // What does not listen yet closes as soon as it does.
    if (this.#server.listening) this.#close();
  }

  #listening() {
    const local = pair(this.#server.address());
    this.#report.add('bound', { local });
    this.#report.add('listening', { local });
    if (this.#stopped) this.#close();
  }

  /** Without a listener there is no service; afterwards an error concerns one connection only. */
  #failed(error) {
    this.#report.add('failed', { at: -1, ...describe(error) });
    if (!this.#server.listening) this.#closed();
  }

  #close() {
    this.#server.close(() => this.#closed());
    for (const connection of this.#open) connection.stop();
  }

  /** The last word of a service comes after those of its connections. */
  #closed() {
    if (this.#open.size > 0) {
      setImmediate(() => this.#closed());
      return;
    }
    this.#report.add('closed');
    this.#report.done();
  }

  #admit(socket, onConnection) {
    const connection = onConnection(socket);
    this.#open.add(connection);
    socket.once('close', async () => {
      await connection.over;
      this.#open.delete(connection);
    });
  }
}

/** One connection of a service, with its totals and its report. */
class Connection {
  #report;
  #received;
  #sent;
  #receiving = true;
  #sending = true;
  #broken = false;
  /** Octets handed over for sending count at once: when a reset cuts a write, Node does not tell how much of it went. */
  #waiting = 0;

  constructor(socket, report) {
    this.socket = socket;
    this.#report = report;
    this.#received = report === MUTE ? UNCOUNTED : new Tally();
    this.#sent = report === MUTE ? UNCOUNTED : new Tally();
    report.add('accepted', report === MUTE ? undefined : ends(socket));
    socket.on('error', (error) => this.#broke(error));
    socket.on('close', () => this.#closed());
    socket.on('end', () => this.#ended());
    socket.on('data', (octets) => this.#received.add(octets));
  }

  /** Octets that were handed over for sending and are not yet with the system. */
  get waiting() {
    return this.#waiting;
  }

  /** Hands octets over for sending; `then` is called when the system has them, and not if the connection broke. */
  send(octets, then) {
    this.#waiting += octets.length;
    this.#sent.add(octets);
    this.socket.write(octets, (error) => {
      this.#waiting -= octets.length;
      if (this.socket.destroyed) return;
      // The system tells a reset to one call only: when that was this write, the reader just sees an end.
      if (error) this.#broke(error);
      else then();
    });
  }

  /** Reports the total that was sent; nothing may be sent afterwards. */
  endSending() {
    if (this.#sending) this.#report.add('sent', this.#sent.result());
    this.#sending = false;
  }

  /** Sends our FIN and leaves the reading direction open. */
  halfClose() {
    this.endSending();
    this.socket.end((error) => {
      if (!error) this.#report.add('half-closed');
    });
  }

  /** Closes when everything is with the system. */
  close() {
    this.endSending();
    this.socket.destroy();
  }

  stop() {
    this.socket.destroy();
  }

  #endReceiving() {
    if (this.#receiving) this.#report.add('received', this.#received.result());
    this.#receiving = false;
  }

  #ended() {
    this.#endReceiving();
    this.#report.add('end');
  }

  #broke(error) {
    if (this.#broken) return;
    this.#broken = true;
    this.#endReceiving();
    this.endSending();
    if (isReset(error)) this.#report.add('reset', { by: 'them' });
    else this.#report.add('failed', { at: -1, ...describe(error) });
  }

  #closed() {
    this.#endReceiving();
    this.endSending();
    this.#report.add('closed');
    this.#report.done();
  }
}

function echo(connection) {
  const { socket } = connection;
  let ended = false;
  const onSent = () => {
    if (socket.isPaused() && connection.waiting === 0) socket.resume();
    if (ended && connection.waiting === 0) connection.close();
  };
  socket.on('data', (octets) => {
    connection.send(octets, onSent);
    if (connection.waiting > FLOOD) socket.pause();
  });
  socket.on('end', () => {
    ended = true;
    if (connection.waiting === 0) connection.close();
  });
}

function discard(connection) {
  connection.socket.on('end', () => connection.close());
}

function chargen(connection) {
  const { socket } = connection;
  let ended = false;
  // A turn of the event loop for each piece: a fast reader must not keep the other conversations waiting.
  const onSent = () => (ended ? connection.close() : setImmediate(more));
  const more = () => {
    if (ended) connection.close();
    else if (!socket.destroyed) connection.send(CHARGEN_PIECE, onSent);
  };
  socket.on('end', () => {
    ended = true;
    closeLate(socket);
  });
  more();
}

function answerWith(answer) {
  return (connection) => {
    connection.send(answer(), () => connection.halfClose());
    closeLate(connection.socket);
  };
}

/** Closes when the other side takes too long over its part of the ending. */
function closeLate(socket) {
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
}
