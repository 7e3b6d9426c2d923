// DNS as a client, with the resolver of node:dns (c-ares): one question after the other, of one server alone.

import dns from 'node:dns';
import net from 'node:net';
import { Asking, asker } from './asking.js';
import { STOPPED, StepFailure, unsupported } from './faults.js';
import * as members from './members.js';

/** The octets of texts: Node hands them over one octet a character. */
const text = (octets) => Buffer.from(octets, 'latin1').toString('utf8');
const alone = (value) => [value];

/** What Node hands over of each type, as the contract writes it. */
const DATA = {
  A: alone,
  AAAA: alone,
  CNAME: alone,
  NS: alone,
  PTR: alone,
  MX: ({ priority, exchange }) => [priority, exchange],
  SRV: ({ priority, weight, port, name }) => [priority, weight, port, name],
  TXT: (texts) => texts.map(text),
  SOA: (soa) => ['nsname', 'hostmaster', 'serial', 'refresh', 'retry', 'expire', 'minttl'].map((name) => soa[name]),
};

/** What c-ares says of an answer without such records. */
const RCODES = {
  [dns.NODATA]: 'NOERROR',
  [dns.NOTFOUND]: 'NXDOMAIN',
  [dns.FORMERR]: 'FORMERR',
  [dns.SERVFAIL]: 'SERVFAIL',
  [dns.NOTIMP]: 'NOTIMP',
  [dns.REFUSED]: 'REFUSED',
};

const WORDS = { [dns.TIMEOUT]: 'timeout', [dns.CONNREFUSED]: 'refused' };

/** Carries the command `ask` out. */
export const askDns = asker((remote, report) => new Conversation(remote, report), questionOf, 'questions');

function questionOf(raw) {
  const type = members.text(raw, 'type');
  if (!Object.hasOwn(DATA, type)) throw unsupported(`node:dns is not asked for records of type '${type}' here`);
  return { name: members.text(raw, 'name'), type };
}

class Conversation extends Asking {
  #resolver = new dns.Resolver();

  async begin() {
    const [address, port] = this.remote;
    this.#resolver.setServers([net.isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`]);
    this.created();
  }

  ask({ name, type }) {
    return new Promise((resolve, reject) => {
      this.cut = reject;
      this.#resolver.resolve(name, type, (error, found) => {
        if (error && !Object.hasOwn(RCODES, error.code)) reject(failureOf(error));
        else {
          const records = error ? [] : [found].flat(type === 'TXT' ? 1 : Infinity).map(DATA[type]);
          this.say('answer', { rcode: error ? RCODES[error.code] : 'NOERROR', records });
          resolve();
        }
      });
    });
  }

  destroy() {
    this.#resolver.cancel();
  }
}

function failureOf(error) {
  if (error.code === dns.CANCELLED) return STOPPED;
  return new StepFailure(WORDS[error.code] ?? 'other', error.message);
}
