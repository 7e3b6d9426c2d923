// RTP as a service: a receiver of streams that reports on each when its sender asks. The socket is that of the small services.

import crypto from 'node:crypto';
import { pair } from './addresses.js';
import { now } from './output.js';
import { BYE, SR, description, isRtcp, leaversOf, readCompound, receiverReport } from './rtcp.js';
import { Malformed } from './rtp-fault.js';
import { Source } from './rtp-source.js';
import { readPacket } from './rtp.js';
import { serveUdpWith } from './service-udp.js';

/**
 * @param {object} command `serve`
 * @param {import('./output.js').Report} report
 * @returns {{stop: () => void}}
 */
export function serveRtp(command, report) {
  const receiver = new Receiver();
  return serveUdpWith((octets, sender, say) => receiver.take(octets, sender, say), command, report);
}

class Receiver {
  #ssrc = crypto.randomBytes(4).readUInt32BE();
  /** Where from -> SSRC -> Source. */
  #senders = new Map();

  /**
   * @param {Buffer} octets of a datagram
   * @param {{address: string, port: number}} sender
   * @param {(step: string, members: object) => void} say
   * @returns {Buffer | undefined} the answer
   */
  take(octets, sender, say) {
    const when = now();
    try {
      if (isRtcp(octets)) return this.#control(readCompound(octets), sender, when, say);
      this.#media(readPacket(octets), sender, when);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
    return undefined;
  }

  #media(packet, sender, when) {
    const key = keyOf(sender);
    const sources = this.#senders.get(key) ?? new Map();
    const source = sources.get(packet.ssrc) ?? new Source(packet);
    source.take(packet, when);
    this.#senders.set(key, sources.set(packet.ssrc, source));
  }

  #control(packets, sender, when, say) {
    const sources = this.#senders.get(keyOf(sender));
    if (!sources) return undefined;
    for (const ssrc of packets.filter(({ type }) => type === BYE).flatMap(leaversOf)) {
      if (sources.has(ssrc)) say('stream', { remote: pair(sender), ...sources.get(ssrc).summary() });
      sources.delete(ssrc);
    }
    if (sources.size === 0) this.#senders.delete(keyOf(sender));
    const asked = packets.find(({ type, body }) => type === SR && sources.has(body.readUInt32BE()));
    return asked && this.#answer(sources.get(asked.body.readUInt32BE()), asked, when);
  }

  #answer(source, { body }, when) {
    // The middle of the NTP timestamp, which stands behind the SSRC.
    source.reported(body.readUInt32BE(6), when);
    return Buffer.concat([receiverReport(this.#ssrc, source.block(now())), description(this.#ssrc)]);
  }
}

const keyOf = ({ address, port }) => `${address} ${port}`;
