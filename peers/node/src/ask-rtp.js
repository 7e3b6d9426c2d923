// RTP as a client: the sender of one stream, which asks for reports on it and then says BYE.

import dgram from 'node:dgram';
import { pair } from './addresses.js';
import { Asking } from './asking.js';
import { DOOR } from './datagrams.js';
import { StepFailure } from './faults.js';
import * as members from './members.js';
import { now } from './output.js';
import { RR, SR, blocksOf, description, goodbye, isRtcp, readCompound, senderReport } from './rtcp.js';
import { Malformed } from './rtp-fault.js';
import { streamOf } from './rtp-stream.js';
import { packetOf, rateOf, timestampOf } from './rtp.js';
import { tallyOf } from './tally.js';

/** How long an SR waits for its answer, in milliseconds. */
const PATIENCE = 1000;

/**
 * Carries the command `ask` out.
 *
 * @param {object} command
 * @param {import('./output.js').Report} report
 * @returns {Asking}
 */
export function askRtp(command, report) {
  const { address, port, family } = members.endpoint(command);
  const stream = streamOf(command);
  const sender = new Sender([address, port], family, stream, report);
  sender.run(stream.order, members.deadline(command));
  return sender;
}

/** What cuts the conversation short cuts its waiting: what is being sent is sent. */
class Sender extends Asking {
  #socket;
  #stream;
  #packets = 0;
  #octets = 0;
  #last;
  #cause;
  #timer;
  #onCut = () => {};
  #onAnswer = () => {};

  constructor(remote, family, stream, report) {
    super(remote, report);
    this.#stream = stream;
    this.#socket = dgram.createSocket({ type: `udp${family}`, ipv6Only: family === 6 });
    this.#socket.on('message', (octets) => this.#came(octets));
    this.#socket.on('error', (error) => this.cut(error));
    this.cut = (cause) => {
      this.#cause ??= cause;
      this.#onCut(cause);
    };
  }

  async begin() {
    const [address, port] = this.remote;
    this.created();
    await this.#unlessCut((resolve, reject) => this.#socket.connect(port, address, (error) => (error ? reject(error) : resolve())));
    this.say('connected', { local: pair(this.#socket.address()), remote: this.remote });
  }

  /** Sends one packet, and asks for a report if that is due after it. */
  async ask({ number, gap, asks }) {
    try {
      await this.#unlessCut((resolve) => (gap > 0 ? (this.#timer = setTimeout(resolve, gap)) : resolve()));
      await this.#sendPacket(number);
      if (asks) await this.#askForReport();
    } catch (error) {
      clearTimeout(this.#timer);
      // What made the stream end is told, not whether the farewell went through.
      await this.finish().catch(() => {});
      throw error;
    }
  }

  /** Says BYE. */
  finish() {
    return this.#send(() => Buffer.concat([this.#report(), goodbye(this.#stream.ssrc)]));
  }

  describe(error) {
    return { at: this.#packets, ...super.describe(error) };
  }

  destroy() {
    return new Promise((resolve) => this.#socket.close(resolve));
  }

  async #sendPacket(number) {
    const content = this.#stream.payload(number);
    await this.#send(() => {
      this.#last = { timestamp: timestampOf(this.#stream, number), at: now() };
      return packetOf(this.#stream, number, content);
    });
    this.#packets += 1;
    this.#octets += content.length;
  }

  /** The answer may come before Node says that the SR left. */
  #askForReport() {
    return Promise.all([this.#answer(), this.#send(() => this.#report())]);
  }

  #answer() {
    return this.#unlessCut((resolve, reject) => {
      this.#onAnswer = resolve;
      this.#timer = setTimeout(() => reject(new StepFailure('timeout', `no RTCP came within ${PATIENCE} ms`)), PATIENCE);
    }).finally(() => clearTimeout(this.#timer));
  }

  /** SR and SDES, of this moment. */
  #report() {
    const { ssrc, type } = this.#stream;
    const since = Math.floor(((now() - this.#last.at) * rateOf(type)) / 1_000_000);
    const sent = { timestamp: this.#last.timestamp + since, packets: this.#packets, octets: this.#octets };
    return Buffer.concat([senderReport(ssrc, sent), description(ssrc)]);
  }

  /** @param {() => Buffer} make the datagram, called when it is about to leave */
  async #send(make) {
    await DOOR.pass();
    const octets = make();
    await new Promise((resolve, reject) => this.#socket.send(octets, (error) => (error ? reject(error) : resolve())));
    this.say('sent', { ...tallyOf(octets), remote: this.remote });
  }

  #came(octets) {
    this.say('received', { ...tallyOf(octets), remote: this.remote });
    if (!isRtcp(octets)) return;
    for (const block of this.#blocksIn(octets)) this.say('report', block);
    this.#onAnswer();
  }

  /** Those on this stream; what is no packet has none. */
  #blocksIn(octets) {
    try {
      const reports = readCompound(octets).filter(({ type }) => type === SR || type === RR);
      return reports.flatMap(blocksOf).filter(({ ssrc }) => ssrc === this.#stream.ssrc);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return [];
    }
  }

  #unlessCut(begin) {
    return new Promise((resolve, reject) => {
      if (this.#cause) throw this.#cause;
      this.#onCut = reject;
      begin(resolve, reject);
    });
  }
}
