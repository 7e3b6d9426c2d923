// Scripts over stream sockets of the Unix domain with a path, by node:net. The steps that follow are those of any stream.

import net from 'node:net';
import { Alarm } from './pace.js';
import { nameOf } from './posix-sockets.js';
import { LAZY_BUFFER } from './stream.js';
import { StreamTalk } from './talk-stream.js';
import { BACKLOG, forMeAlone, ownCredentials } from './unix-door.js';

/** How long to wait where a listener's queue is full, in milliseconds. */
const PAUSE = 1;

/** One conversation over a socket with a path, without descriptors and credentials. */
export class UnixTalk extends StreamTalk {
  #server;
  #arrived = [];
  #onArrival;
  #socket;
  #alarm = new Alarm();

  async connect() {
    this.created({ credentials: ownCredentials() });
    // The system does not wait where a listener's queue is full: it says so, and the socket is lost.
    while (!(await this.#tryConnect())) await this.#alarm.sleep(PAUSE);
    this.begin(this.#socket);
    this.say('connected');
  }

  async accept() {
    if (this.#arrived.length === 0) await new Promise((resolve) => (this.#onArrival = resolve));
    const socket = this.#arrived.shift();
    this.saidClosed = false;
    this.say('accepted');
    this.begin(socket);
  }

  listen() {
    const { address, lazy, backlog = BACKLOG } = this.setting;
    const manner = { allowHalfOpen: true, pauseOnConnect: true, ...(lazy && { highWaterMark: LAZY_BUFFER }) };
    this.#server = net.createServer(manner, (socket) => this.#arrive(socket));
    this.created({ credentials: ownCredentials() });
    refuseLong(address);
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      forMeAlone(() => this.#server.listen({ path: address, backlog, exclusive: true }, () => {
        this.say('bound', { local: [address, 0] });
        this.say('listening', { local: [address, 0] });
        resolve();
      }));
    });
  }

  /** Node removes the path with its listener. */
  shut() {
    this.#alarm.clear();
    this.#socket?.destroy();
    this.#server?.close();
    for (const socket of this.#arrived) socket.destroy();
  }

  #arrive(socket) {
    socket.on('error', () => {});
    this.#arrived.push(socket);
    this.#onArrival?.();
  }

  /** Whether a connection came about; false: there is no room for it now. */
  #tryConnect() {
    const { address, lazy } = this.setting;
    refuseLong(address);
    const socket = new net.Socket({ allowHalfOpen: true, ...(lazy && { readableHighWaterMark: LAZY_BUFFER }) });
    this.#socket = socket;
    if (lazy) socket.pause();
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => (error.code === 'EAGAIN' ? resolve(false) : reject(error)));
      socket.connect({ path: address }, () => resolve(true));
    });
  }
}

/** Some versions of Node cut a path that is too long. */
const refuseLong = nameOf;
