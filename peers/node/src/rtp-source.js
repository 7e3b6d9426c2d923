// What a receiver knows of one source of RTP: the arithmetic of RFC 3550, A.1, A.3 and A.8. Knows neither sockets nor octets of RTCP.

import { rateOf } from './rtp.js';
import { tallyOf } from './tally.js';

const CYCLE = 2 ** 16;
/** Microseconds are what times are told in; DLSR has 65536ths of a second. */
const SECOND = 1_000_000;

/** The statistics of one source, which its first packet begins: there is no probation. */
export class Source {
  #ssrc;
  #rate;
  #base;
  #highest;
  #received = 0;
  #jitter = 0;
  #transit;
  #before = { expected: 0, received: 0 };
  #contents = new Map();
  #report;

  /** @param {object} first packet, as `readPacket` gives it; to be taken like all others */
  constructor({ ssrc, type, sequence }) {
    this.#ssrc = ssrc;
    this.#rate = rateOf(type);
    this.#base = sequence;
    this.#highest = sequence;
  }

  /**
   * @param {{sequence: number, timestamp: number, content: Buffer}} packet
   * @param {number} when it came, in microseconds
   */
  take({ sequence, timestamp, content }, when) {
    const ahead = (sequence - this.#highest) & (CYCLE - 1);
    if (ahead < CYCLE / 2) this.#highest += ahead;
    this.#received += 1;
    const extended = this.#highest - ((this.#highest - sequence) & (CYCLE - 1));
    if (!this.#contents.has(extended)) this.#contents.set(extended, content);
    this.#shake((when / SECOND) * this.#rate - timestamp);
  }

  /**
   * @param {number} lsr the middle 32 bits of the NTP timestamp of an SR that came
   * @param {number} when in microseconds
   */
  reported(lsr, when) {
    this.#report = { lsr, when };
  }

  /**
   * @param {number} now in microseconds
   * @returns {object} the members of a report block; what is lost from here on counts for the next one
   */
  block(now) {
    return {
      ssrc: this.#ssrc,
      fraction: this.#fraction(),
      lost: this.#lost(),
      highest: this.#highest,
      jitter: Math.floor(this.#jitter),
      lsr: this.#report?.lsr ?? 0,
      dlsr: this.#report ? Math.floor(((now - this.#report.when) * 65536) / SECOND) : 0,
    };
  }

  /** @returns {object} the members of the step `stream` */
  summary() {
    const inOrder = [...this.#contents].sort(([one], [other]) => one - other).map(([, content]) => content);
    return {
      ssrc: this.#ssrc,
      packets: this.#received,
      lost: this.#lost(),
      highest: this.#highest,
      jitter: Math.floor(this.#jitter),
      ...tallyOf(Buffer.concat(inOrder)),
    };
  }

  #expected() {
    return this.#highest - this.#base + 1;
  }

  #lost() {
    return this.#expected() - this.#received;
  }

  /** Of 256, since the report before. */
  #fraction() {
    const expected = this.#expected() - this.#before.expected;
    const lost = expected - (this.#received - this.#before.received);
    this.#before = { expected: this.#expected(), received: this.#received };
    return expected > 0 && lost > 0 ? Math.floor((lost * 256) / expected) : 0;
  }

  /** Timestamps wrap, so that the difference is one of 32 bits, with a sign. */
  #shake(transit) {
    if (this.#transit !== undefined) {
      const difference = (transit - this.#transit) % 2 ** 32;
      const distance = Math.min(Math.abs(difference), 2 ** 32 - Math.abs(difference));
      this.#jitter += (distance - this.#jitter) / 16;
    }
    this.#transit = transit;
  }
}
