// RTCP packets, made and read (RFC 3550, 6). Knows neither sockets nor what the numbers in them stand for.

import { performance } from 'node:perf_hooks';
import { Malformed } from './rtp-fault.js';

/** Types of packets. */
export const SR = 200;
export const RR = 201;
const SDES = 202;
export const BYE = 203;

const PADDED = 0x20;
const HEAD = 4;
/** Octets before the report blocks, after the head. */
const BEFORE_BLOCKS = { [SR]: 24, [RR]: 4 };
const BLOCK = 24;
const CNAME = Buffer.from('\x01\x13parley@node.example', 'latin1');
/** Seconds from 1900 to 1970. */
const EPOCH = 2_208_988_800;

/**
 * @param {Buffer} octets of a datagram on a port that RTP and RTCP share
 * @returns {boolean} whether it is RTCP (RFC 5761, 4)
 */
export const isRtcp = (octets) => octets.length >= 2 && octets[1] >= 192 && octets[1] <= 223;

/**
 * @param {number} ssrc
 * @param {{timestamp: number, packets: number, octets: number}} sent
 * @returns {Buffer} an SR without report blocks, told of now
 */
export function senderReport(ssrc, { timestamp, packets, octets }) {
  const ms = performance.timeOrigin + performance.now();
  const seconds = Math.floor(ms / 1000);
  const fraction = Math.floor((ms / 1000 - seconds) * 2 ** 32);
  return packet(SR, 0, words(ssrc, seconds + EPOCH, fraction, timestamp, packets, octets));
}

/**
 * @param {number} ssrc of who reports
 * @param {{ssrc: number, fraction: number, lost: number, highest: number, jitter: number, lsr: number, dlsr: number}} block
 * @returns {Buffer} an RR with that block
 */
export function receiverReport(ssrc, { ssrc: source, fraction, lost, highest, jitter, lsr, dlsr }) {
  const most = 2 ** 23;
  const signed = Math.max(-most, Math.min(lost, most - 1)) & 0xffffff;
  return packet(RR, 1, words(ssrc, source, fraction * 2 ** 24 + signed, highest, jitter, lsr, dlsr));
}

/**
 * @param {number} ssrc
 * @returns {Buffer} an SDES with its CNAME, which ends with at least one zero
 */
export function description(ssrc) {
  const size = HEAD + CNAME.length;
  return packet(SDES, 1, Buffer.concat([words(ssrc), CNAME, Buffer.alloc(HEAD - (size % HEAD))]));
}

/**
 * @param {number} ssrc
 * @returns {Buffer} a BYE of it
 */
export const goodbye = (ssrc) => packet(BYE, 1, words(ssrc));

/**
 * @param {Buffer} octets of a datagram
 * @returns {{type: number, count: number, body: Buffer}[]} its packets
 * @throws {Malformed}
 */
export function readCompound(octets) {
  const found = [];
  for (let left = octets; left.length > 0 || found.length === 0; ) {
    const size = sizeOf(left);
    const one = { type: left[1], count: left[0] & 31, body: left.subarray(HEAD, size) };
    if (found.length === 0) checkFirst(one, left[0]);
    checkBlocks(one);
    found.push(one);
    left = left.subarray(size);
  }
  return found;
}

/**
 * @param {{type: number, count: number, body: Buffer}} report an SR or RR
 * @returns {object[]} its report blocks, as `receiverReport` takes them
 */
export function blocksOf({ type, count, body }) {
  return Array.from({ length: count }, (_, index) => blockAt(body, BEFORE_BLOCKS[type] + BLOCK * index));
}

/**
 * @param {{count: number, body: Buffer}} bye
 * @returns {number[]} who leaves
 */
export function leaversOf({ count, body }) {
  const there = Math.min(count, Math.floor(body.length / HEAD));
  return Array.from({ length: there }, (_, index) => body.readUInt32BE(HEAD * index));
}

function blockAt(body, at) {
  const word = (index) => body.readUInt32BE(at + HEAD * index);
  const lost = body.readIntBE(at + 5, 3);
  return { ssrc: word(0), fraction: body[at + 4], lost, highest: word(2), jitter: word(3), lsr: word(4), dlsr: word(5) };
}

function sizeOf(octets) {
  if (octets.length < HEAD || octets[0] >> 6 !== 2) throw new Malformed('there is no head of version 2');
  const size = HEAD + HEAD * octets.readUInt16BE(2);
  if (size > octets.length) throw new Malformed('a packet is longer than the datagram');
  return size;
}

function checkFirst({ type }, flags) {
  if (type !== SR && type !== RR) throw new Malformed('the first packet is neither SR nor RR');
  if (flags & PADDED) throw new Malformed('the first packet is padded');
}

function checkBlocks({ type, count, body }) {
  if (!Object.hasOwn(BEFORE_BLOCKS, type)) return;
  if (body.length < BEFORE_BLOCKS[type] + BLOCK * count) throw new Malformed('the report blocks are longer than their packet');
}

function packet(type, count, body) {
  const head = Buffer.from([0x80 | count, type, 0, 0]);
  head.writeUInt16BE(body.length / HEAD, 2);
  return Buffer.concat([head, body]);
}

function words(...values) {
  const octets = Buffer.alloc(HEAD * values.length);
  values.forEach((value, index) => octets.writeUInt32BE(value % 2 ** 32, HEAD * index));
  return octets;
}
