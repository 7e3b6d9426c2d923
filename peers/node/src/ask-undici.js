// HTTP/1.1 as a client, with undici: a Client of its own for each conversation, so one connection at a time, which
// persists where the server lets it.

import net from 'node:net';
import { Readable } from 'node:stream';
import { Asking, asker } from './asking.js';
import { badCommand, unsupported } from './faults.js';
import { CHUNK, codingOf, fieldsOf, methodOf, pairs } from './http-parts.js';
import * as members from './members.js';
import { payloadOf } from './payload.js';
import { Tally } from './tally.js';

/** What undici says when the connection ended before there was a response. */
const ENDED = new Set(['UND_ERR_SOCKET']);
const LATE = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']);

/**
 * @param {{Client: new (origin: string, options: object) => object}} undici
 * @returns {(command: object, report: import('./output.js').Report) => {stop: () => void}} what carries `ask` out
 */
export const askWith = (undici) => asker((remote, report) => new Conversation(undici, remote, report), requestOf);

function requestOf(raw) {
  const path = members.text(raw, 'target');
  if (path === '') throw badCommand("'target' is empty");
  if (!path.startsWith('/')) throw unsupported(`undici sends no target like '${path}'`);
  const octets = raw.body === undefined ? undefined : payloadOf(raw.body)();
  const chunked = codingOf(raw) === 'chunked';
  return { method: methodOf(raw), path, headers: fieldsOf(raw).flat(), octets, chunked, keep: members.keep(raw) };
}

class Conversation extends Asking {
  #client;

  constructor({ Client }, remote, report) {
    super(remote, report);
    const [address, port] = remote;
    const host = net.isIPv6(address) ? `[${address}]` : address;
    this.#client = new Client(`http://${host}:${port}`, { pipelining: 1, connect: (_, done) => this.#connect(done) });
  }

  ask({ octets, chunked, keep, ...message }) {
    return new Promise((resolve, reject) => {
      this.cut = reject;
      const body = octets !== undefined && chunked ? Readable.from(pieces(octets), { objectMode: false }) : octets;
      this.#client.dispatch({ ...message, body }, new Exchange(keep, (step) => this.say('response', step), resolve, reject));
    });
  }

  describe(error) {
    if (ENDED.has(error.code)) return { error: 'ended', says: error.message };
    if (LATE.has(error.code)) return { error: 'timeout', says: error.message };
    return super.describe(error);
  }

  async destroy(sockets) {
    const destroyed = this.#client.destroy();
    for (const socket of sockets) socket.destroy();
    await destroyed;
  }

  #connect(done) {
    const [host, port] = this.remote;
    const socket = net.connect({ host, port, noDelay: true });
    this.follow(socket);
    const failed = (error) => done(error, null);
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      done(null, socket);
    });
  }
}

/** What undici hands over of one exchange. */
class Exchange {
  #tally;
  #tell;
  #resolve;
  #reject;
  #head;

  constructor(keep, tell, resolve, reject) {
    this.#tally = new Tally(keep);
    this.#tell = tell;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onConnect() {}

  onHeaders(status, rawHeaders, _resume, reason) {
    if (status >= 200) this.#head = { status, reason, fields: latin(rawHeaders) };
    return true;
  }

  onData(piece) {
    this.#tally.add(Buffer.from(piece));
    return true;
  }

  onComplete(rawTrailers) {
    const trailers = latin(rawTrailers ?? []);
    this.#done({ complete: true, ...(trailers.length > 0 && { trailers }) });
  }

  onError(error) {
    if (this.#head === undefined) this.#reject(error);
    else this.#done({ complete: false });
  }

  #done(more) {
    this.#tell({ ...this.#head, ...this.#tally.result(), ...more });
    this.#resolve();
  }
}

const latin = (raw) => pairs(raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))));

function* pieces(octets) {
  for (let start = 0; start < octets.length; start += CHUNK) yield octets.subarray(start, start + CHUNK);
}
