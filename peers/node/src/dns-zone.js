// The zone of a DNS service: its records, made ready for answers with the npm package dns-packet, and what answers a
// question. Knows no sockets, and of messages only names and records.

import net from 'node:net';
import { badCommand, unsupported } from './faults.js';
import * as members from './members.js';
import { load } from './packages.js';

const ANY = 255;
const CNAME = 5;
const SOA = 6;
const MAX_SHORT = 0xffff;
const MAX_LONG = 0xffffffff;
/** What stands before the data of a record, behind its name: type, class, TTL. */
const TTL_AT = 4;

const SOA_NUMBERS = ['serial', 'refresh', 'retry', 'expire', 'minimum'];

/** How the data of each type are read, one after the other, into what dns-packet wants. */
const TYPES = {
  A: { number: 1, read: (data) => data.address(net.isIPv4) },
  AAAA: { number: 28, read: (data) => data.address(net.isIPv6) },
  CNAME: { number: CNAME, read: (data) => data.name() },
  NS: { number: 2, read: (data) => data.name() },
  PTR: { number: 12, read: (data) => data.name() },
  MX: { number: 15, read: (data) => ({ preference: data.number(MAX_SHORT), exchange: data.name() }) },
  SRV: { number: 33, read: readSrv },
  TXT: { number: 16, read: (data) => data.texts() },
  SOA: { number: SOA, read: readSoa },
};

function readSrv(data) {
  const [priority, weight, port] = [1, 2, 3].map(() => data.number(MAX_SHORT));
  return { priority, weight, port, target: data.name() };
}

function readSoa(data) {
  const names = { mname: data.name(), rname: data.name() };
  return { ...names, ...Object.fromEntries(SOA_NUMBERS.map((name) => [name, data.number(MAX_LONG)])) };
}

/** The list of data of one record, which each reader takes from the front of. */
class Data {
  #left;

  constructor(list) {
    if (!Array.isArray(list)) throw badCommand('the data of a record must be a list');
    this.#left = [...list];
  }

  number(max) {
    return members.whole({ datum: this.#left.shift() }, 'datum', { max });
  }

  name() {
    return members.text({ datum: this.#left.shift() }, 'datum') || '.';
  }

  address(isOne) {
    const address = members.text({ datum: this.#left.shift() }, 'datum');
    if (!isOne(address)) throw badCommand(`'${address}' is no address of this type`);
    return address;
  }

  texts() {
    return this.#left.splice(0).map((text) => Buffer.from(members.text({ text }, 'text')));
  }

  finish() {
    if (this.#left.length > 0) throw badCommand('a record has more data than its type');
  }
}

/**
 * A name without its case, to be compared: its octets as messages have them. The lengths of labels are no letters.
 *
 * @param {Buffer} octets
 * @returns {string}
 */
export const keyOf = (octets) => octets.toString('latin1').replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** The name above: without the first label. */
const above = (key) => key.slice(1 + key.charCodeAt(0));

/** A record to send. @typedef {{key: string, owner: Buffer, number: number, rest: Buffer, target?: string}} Ready */

/** The records of a zone by their names. */
export class Zone {
  #packet = load('dns-packet');
  #origin;
  #records = new Map();
  #parents = new Set();
  #authority = [];

  /** @param {object} command `serve` with `zone` */
  constructor({ zone }) {
    if (!members.isObject(zone)) throw badCommand("'zone' must be an object");
    this.#origin = this.#keyOfText(members.text(zone, 'origin'));
    if (!Array.isArray(zone.records)) throw badCommand("'records' must be a list");
    for (const record of zone.records) this.#add(record);
  }

  /**
   * @param {string} key of the name that is asked for
   * @returns {boolean} whether it belongs here, whether it is there or not
   */
  holds(key) {
    for (let name = key; ; name = above(name)) {
      if (name === this.#origin) return true;
      if (name === '\0') return false;
    }
  }

  /**
   * @param {string} key of a name that belongs here
   * @param {number} type
   * @returns {{answers: Ready[], authorities: Ready[], there: boolean}} `there`: whether there is such a name at all
   */
  find(key, type) {
    const answers = this.#follow(key, type);
    const there = this.#records.has(key) || this.#parents.has(key) || key === this.#origin;
    return { answers, authorities: answers.length > 0 ? [] : this.#authority, there };
  }

  #follow(asked, type) {
    const found = [];
    const passed = new Set();
    // Aliases may go in circles.
    for (let key = asked; !passed.has(key); ) {
      passed.add(key);
      const records = this.#records.get(key) ?? [];
      found.push(...records.filter(({ number }) => number === type || type === ANY));
      const alias = type === ANY || type === CNAME ? undefined : records.find(({ number }) => number === CNAME);
      if (alias === undefined) break;
      found.push(alias);
      key = alias.target;
    }
    return found;
  }

  #add(given) {
    if (!Array.isArray(given) || given.length !== 4) throw badCommand('a record is a name, a type, a TTL and data');
    const record = this.#ready(given);
    const { key } = record;
    this.#records.set(key, [...(this.#records.get(key) ?? []), record]);
    for (let name = key; name !== '\0'; ) this.#parents.add((name = above(name)));
    if (record.number === SOA && key === this.#origin) this.#authority = [negative(record)];
  }

  #ready(given) {
    const [name, type] = [members.text(given, 0) || '.', members.text(given, 1)];
    const ttl = members.whole(given, 2, { max: MAX_LONG });
    if (!Object.hasOwn(TYPES, type)) throw unsupported(`there are no records of type '${type}' here`);
    const { number, read } = TYPES[type];
    const list = new Data(given[3]);
    const data = read(list);
    list.finish();
    const owner = this.#wire(name);
    const whole = this.#encoded({ name, type, ttl, data });
    const target = number === CNAME ? this.#keyOfText(data) : undefined;
    return { key: keyOf(owner), owner, number, rest: whole.subarray(owner.length), target };
  }

  #encoded(record) {
    try {
      return this.#packet.answer.encode(record);
    } catch (error) {
      throw badCommand(`a record cannot be written: ${error.message}`);
    }
  }

  #keyOfText(name) {
    return keyOf(this.#wire(name || '.'));
  }

  #wire(name) {
    if (name !== '.' && name.split('.').some((label) => label === '' || Buffer.byteLength(label) > 63)) {
      throw badCommand(`'${name}' is no name in full, without the last dot`);
    }
    return this.#packet.name.encode(name);
  }
}

/** An SOA as it stands behind a negative answer, which it bounds the life of (RFC 2308, 3): the last of its numbers. */
function negative(record) {
  const rest = Buffer.from(record.rest);
  rest.writeUInt32BE(Math.min(rest.readUInt32BE(TTL_AT), rest.readUInt32BE(rest.length - 4)), TTL_AT);
  return { ...record, rest };
}
