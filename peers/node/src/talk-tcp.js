// Scripts over TCP: what each step does, and what it reports. Knows neither time limits nor the order of steps.

import net from 'node:net';
import { ends, pair } from './addresses.js';
import { StepFailure, isReset } from './faults.js';
import { Alarm, Pace } from './pace.js';
import { LAZY_BUFFER, Stream } from './stream.js';
import { Tally } from './tally.js';
import { wantedBy } from './wanted.js';

const BACKLOG = 4096;

/** The sizes of the write calls of a `send` that does not say; small enough to take turns between them. */
const WRITES = [256 * 1024];

/** One conversation over TCP. Every step is a method by the step's name, and throws what made it fail. */
export class TcpTalk {
  #setting;
  #say;
  #server;
  #wanted;
  #stream;
  #arrived = [];
  #onArrival;
  #pace = new Pace();
  #alarm = new Alarm();
  hadSocket = false;
  saidClosed = false;

  /**
   * @param {{address: string, port: number, role: string, lazy: boolean, backlog?: number}} setting
   * @param {(step: string, members?: object) => void} say reports a step
   */
  constructor(setting, say) {
    this.#setting = setting;
    this.#say = say;
  }

  /** What comes before the first step: a server's listener. */
  async open() {
    if (this.#setting.role === 'server') await this.#listen();
  }

  async connect() {
    const { address, port, lazy } = this.#setting;
    const remote = [address, port];
    const socket = new net.Socket({ allowHalfOpen: true, ...(lazy && { readableHighWaterMark: LAZY_BUFFER }) });
    socket.setNoDelay(true);
    this.#created();
    if (lazy) socket.pause();
    this.#stream = new Stream(socket, lazy);
    this.#say('connecting', { remote });
    await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.connect({ host: address, port }, resolve);
    });
    // The other side may have reset already; whom we connected to is known all the same.
    this.#say('connected', { ...ends(socket), remote });
  }

  async accept() {
    if (this.#arrived.length === 0) await new Promise((resolve) => (this.#onArrival = resolve));
    const { socket, addresses } = this.#arrived.shift();
    this.saidClosed = false;
    this.#say('accepted', addresses);
    this.#stream = new Stream(socket, this.#setting.lazy);
  }

  async send({ payload, writes = WRITES, gap }) {
    const tally = new Tally();
    for (const piece of pieces(payload(), writes)) {
      if (gap && tally.octets > 0) await this.#alarm.sleep(gap);
      await this.#stream.write(piece).catch((error) => this.#broke(error));
      tally.add(piece);
      await this.#pace.step(piece.length);
    }
    this.#say('sent', tally.result());
  }

  async receive(step) {
    const wanted = wantedBy(step);
    if (step.wants !== 'quiet') this.#wanted = wanted;
    const outcome = await (step.wants === 'quiet' ? this.#silence(step.quiet, wanted) : this.#stream.read(wanted));
    this.#wanted = undefined;
    if (outcome === 'quiet') this.#say('quiet');
    else if (outcome === 'done') this.#say('received', wanted.tally.result());
    else if (outcome === 'ended') this.#endCame(step, wanted);
    else {
      if (wanted.tally.octets > 0) this.#say('received', wanted.tally.result());
      this.#broke(this.#stream.error);
    }
  }

  /** Tells what came of a `receive` that is out of time. */
  late() {
    if (this.#wanted?.tally.octets > 0) this.#say('received', this.#wanted.tally.result());
  }

  async 'half-close'() {
    await this.#stream.halfClose().catch((error) => this.#broke(error));
    this.#say('half-closed');
  }

  async close() {
    if (this.#stream) await this.#stream.close();
    else this.#server.close();
    this.#sayClosed();
  }

  async reset() {
    await this.#stream.reset();
    this.#say('reset', { by: 'us' });
    this.#sayClosed();
  }

  wait({ ms }) {
    return this.#alarm.sleep(ms);
  }

  /** Closes what is open, whatever step it was left in. */
  async release() {
    this.#alarm.clear();
    this.#server?.close();
    // What nobody accepted is reset, as the system does with what waits at a listener that closes.
    for (const { socket } of this.#arrived) socket.resetAndDestroy();
    await this.#stream?.close();
  }

  #listen() {
    const { address, port, lazy, backlog = BACKLOG } = this.#setting;
    // Node accepts by itself; paused, a connection is left alone until the step `accept` takes it.
    const manner = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, ...(lazy && { highWaterMark: LAZY_BUFFER }) };
    this.#server = net.createServer(manner, (socket) => this.#arrive(socket));
    this.#created();
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen({ host: address, port, backlog, ipv6Only: true, exclusive: true }, () => {
        const local = pair(this.#server.address());
        this.#say('bound', { local });
        this.#say('listening', { local });
        resolve();
      });
    });
  }

  #arrive(socket) {
    socket.on('error', () => {});
    this.#arrived.push({ socket, addresses: ends(socket) });
    this.#onArrival?.();
  }

  async #silence(ms, wanted) {
    const alarm = this.#alarm.sleep(ms).then(() => 'quiet');
    const outcome = await Promise.race([this.#stream.read(wanted), alarm]);
    this.#alarm.clear();
    this.#stream.giveUpReading();
    return outcome;
  }

  #endCame(step, { tally }) {
    if (step.wants !== 'quiet') this.#say('received', tally.result());
    this.#say('end');
    if (step.wants !== 'until') throw new StepFailure('ended', `the stream ended after ${tally.octets} octets of this step`);
  }

  #broke(error) {
    if (isReset(error)) this.#say('reset', { by: 'them' });
    throw error;
  }

  #created() {
    this.hadSocket = true;
    this.#say('created');
  }

  #sayClosed() {
    this.saidClosed = true;
    this.#say('closed');
  }
}

/** Cuts octets into the pieces of single write calls; the last size goes on until the end. */
function* pieces(octets, sizes) {
  for (let start = 0, call = 0; start < octets.length; call++) {
    const size = sizes[Math.min(call, sizes.length - 1)];
    yield octets.subarray(start, start + size);
    start += size;
  }
}
