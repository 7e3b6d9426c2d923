// RTP packets, made and read (RFC 3550, 5.1). Knows neither sockets nor RTCP.
//
// By hand: npm's packages for RTP bring whole media servers along, or have stood still for years.

import { Malformed } from './rtp-fault.js';

const HEADER = 12;
const PADDED = 0x20;
const EXTENDED = 0x10;
const MARKED = 0x80;
const WORD = 4;
const RATES = { 96: 90_000, 97: 48_000 };

/**
 * @param {number} type a payload type
 * @returns {number} of its clock, in Hz
 */
export const rateOf = (type) => RATES[type] ?? 8000;

/**
 * @param {object} stream checked
 * @param {number} number of the packet, from 0
 * @returns {number} its timestamp
 */
export const timestampOf = ({ timestamp, advance }, number) => (timestamp + number * advance) % 2 ** 32;

/**
 * @param {object} stream checked
 * @param {number} number of the packet, from 0
 * @param {Buffer} content its payload
 * @returns {Buffer} the packet
 */
export function packetOf(stream, number, content) {
  const { csrc, extension, padding } = stream;
  const header = Buffer.alloc(HEADER + WORD * csrc.length);
  header[0] = 0x80 | (padding ? PADDED : 0) | (extension ? EXTENDED : 0) | csrc.length;
  header[1] = stream.type | (stream.marked.has(number) ? MARKED : 0);
  header.writeUInt16BE((stream.sequence + number) % 2 ** 16, 2);
  header.writeUInt32BE(timestampOf(stream, number), 4);
  header.writeUInt32BE(stream.ssrc, 8);
  csrc.forEach((ssrc, index) => header.writeUInt32BE(ssrc, HEADER + WORD * index));
  return Buffer.concat([header, extensionOf(extension), content, paddingOf(padding)]);
}

/**
 * @param {Buffer} octets of a datagram
 * @returns {{type: number, sequence: number, timestamp: number, ssrc: number, content: Buffer}}
 * @throws {Malformed}
 */
export function readPacket(octets) {
  if (octets.length < HEADER || octets[0] >> 6 !== 2) throw new Malformed('there is no header of version 2');
  return {
    type: octets[1] & 0x7f,
    sequence: octets.readUInt16BE(2),
    timestamp: octets.readUInt32BE(4),
    ssrc: octets.readUInt32BE(8),
    content: contentOf(octets),
  };
}

function extensionOf(extension) {
  if (!extension) return Buffer.alloc(0);
  const head = Buffer.alloc(WORD);
  head.writeUInt16BE(extension.profile);
  head.writeUInt16BE(extension.words.length / WORD, 2);
  return Buffer.concat([head, extension.words]);
}

function paddingOf(size) {
  const octets = Buffer.alloc(size);
  if (size > 0) octets[size - 1] = size;
  return octets;
}

/** What lies between the header with all that belongs to it, and the padding. */
function contentOf(octets) {
  const end = octets.length - paddingIn(octets);
  let start = HEADER + WORD * (octets[0] & 15);
  if (octets[0] & EXTENDED) {
    if (start + WORD > end) throw new Malformed('the extension is longer than the packet');
    start += WORD + WORD * octets.readUInt16BE(start + 2);
  }
  if (start > end) throw new Malformed('the CSRC list, the extension or the padding is longer than the packet');
  return octets.subarray(start, end);
}

function paddingIn(octets) {
  if (!(octets[0] & PADDED)) return 0;
  const size = octets[octets.length - 1];
  if (size === 0) throw new Malformed('the padding does not even count its own last octet');
  return size;
}
