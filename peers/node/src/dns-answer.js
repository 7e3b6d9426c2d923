// From a DNS query to its answer, with the npm package dns-packet: what the header says, and how much fits. What is
// answered is the zone's to say. Knows no sockets.

import { load } from './packages.js';
import { keyOf } from './dns-zone.js';

const HEADER = 12;
const FLAGS = { response: 0x8000, opcode: 0x7800, authoritative: 0x0400, truncated: 0x0200, recursion: 0x0100 };
const RCODES = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };
const INTERNET = 1;
/** A pointer to the name of the question, which stands behind the header (RFC 1035, 4.1.4). */
const TO_QUESTION = Buffer.from([0xc0, HEADER]);

/** The greatest message over UDP, and over TCP. */
export const OVER_UDP = 512;
export const OVER_TCP = 0xffff;

/**
 * @param {import('./dns-zone.js').Zone} zone
 * @param {Buffer} query
 * @param {number} limit octets
 * @returns {Buffer | undefined} undefined: there is no answer
 */
export function answerTo(zone, query, limit) {
  if (query.length < HEADER) return undefined;
  const flags = query.readUInt16BE(2);
  if (flags & FLAGS.response) return undefined;
  const question = questionOf(query);
  const said = { id: query.readUInt16BE(0), flags: FLAGS.response | (flags & (FLAGS.opcode | FLAGS.recursion)), question };
  if (flags & FLAGS.opcode) return written(said, 'NOTIMP');
  if (question === undefined) return written(said, 'FORMERR');
  const key = keyOf(question.name);
  if (question.class !== INTERNET || !zone.holds(key)) return written(said, 'REFUSED');
  const found = zone.find(key, question.type);
  said.flags |= FLAGS.authoritative;
  return written({ ...said, key, ...found }, found.there ? 'NOERROR' : 'NXDOMAIN', limit);
}

/** The only question of a message of which nothing breaks off; undefined: it is not like that. */
function questionOf(query) {
  const packet = load('dns-packet');
  if (query.readUInt16BE(4) !== 1) return undefined;
  try {
    packet.decode(query);
    const text = packet.name.decode(query, HEADER);
    const end = HEADER + packet.name.decode.bytes;
    const raw = query.subarray(HEADER, end);
    // One with a pointer means something else in another message.
    const name = raw.length === packet.name.encodingLength(text) ? raw : packet.name.encode(text);
    return { name, type: query.readUInt16BE(end), class: query.readUInt16BE(end + 2) };
  } catch {
    return undefined;
  }
}

function written({ id, flags, question, key, answers = [], authorities = [] }, rcode, limit = OVER_UDP) {
  const parts = question === undefined ? [] : [question.name, Buffer.alloc(4)];
  if (question) parts[1].writeUInt16BE(question.type, 0);
  if (question) parts[1].writeUInt16BE(question.class, 2);
  let room = limit - HEADER - octetsOf(parts);
  const fit = (records) => {
    const fitting = [];
    for (const { key: name, owner, rest } of records) {
      const octets = [name === key ? TO_QUESTION : owner, rest];
      room -= octetsOf(octets);
      if (room < 0) break;
      fitting.push(octets);
    }
    return fitting;
  };
  const kept = [fit(answers), fit(authorities)];
  const counts = [question ? 1 : 0, ...kept.map((list) => list.length)];
  const header = headerOf(id, flags | (room < 0 ? FLAGS.truncated : 0) | RCODES[rcode], counts);
  return Buffer.concat([header, ...parts, ...kept.flat(2)]);
}

function headerOf(id, flags, counts) {
  const header = Buffer.alloc(HEADER);
  [id, flags, ...counts].forEach((value, index) => header.writeUInt16BE(value, 2 * index));
  return header;
}

const octetsOf = (parts) => parts.reduce((sum, part) => sum + part.length, 0);
