// Scripts over TCP: how connections come about. The steps that follow are those of any stream.

import net from 'node:net';
import { ends, pair } from './addresses.js';
import { LAZY_BUFFER } from './stream.js';
import { StreamTalk } from './talk-stream.js';

const BACKLOG = 4096;

/** The sizes of the write calls of a `send` that does not say; small enough to take turns between them. */
const WRITES = [256 * 1024];

/** One conversation over TCP. */
export class TcpTalk extends StreamTalk {
  #server;
  #arrived = [];
  #onArrival;

  constructor(setting, say) {
    super(setting, say, WRITES);
  }

  async connect() {
    const { address, port, lazy } = this.setting;
    const remote = [address, port];
    const socket = new net.Socket({ allowHalfOpen: true, ...(lazy && { readableHighWaterMark: LAZY_BUFFER }) });
    socket.setNoDelay(true);
    this.created();
    if (lazy) socket.pause();
    this.begin(socket);
    this.say('connecting', { remote });
    await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.connect({ host: address, port }, resolve);
    });
    // The other side may have reset already; whom we connected to is known all the same.
    this.say('connected', { ...ends(socket), remote });
  }

  async accept() {
    if (this.#arrived.length === 0) await new Promise((resolve) => (this.#onArrival = resolve));
    const { socket, addresses } = this.#arrived.shift();
    this.saidClosed = false;
    this.say('accepted', addresses);
    this.begin(socket);
  }

  listen() {
    const { address, port, lazy, backlog = BACKLOG } = this.setting;
    // Node accepts by itself; paused, a connection is left alone until the step `accept` takes it.
    const manner = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, ...(lazy && { highWaterMark: LAZY_BUFFER }) };
    this.#server = net.createServer(manner, (socket) => this.#arrive(socket));
    this.created();
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen({ host: address, port, backlog, ipv6Only: true, exclusive: true }, () => {
        const local = pair(this.#server.address());
        this.say('bound', { local });
        this.say('listening', { local });
        resolve();
      });
    });
  }

  shut() {
    this.#server?.close();
    // What nobody accepted is reset, as the system does with what waits at a listener that closes.
    for (const { socket } of this.#arrived) socket.resetAndDestroy();
  }

  #arrive(socket) {
    socket.on('error', () => {});
    this.#arrived.push({ socket, addresses: ends(socket) });
    this.#onArrival?.();
  }
}
