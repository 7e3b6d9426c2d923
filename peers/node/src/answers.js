// What the small services of RFC 862 to 868 say. Knows no socket.

import { payloadOf } from './payload.js';

/** Seconds from 1900-01-01 to 1970-01-01, both 00:00 UTC (RFC 868). */
const SINCE_1900 = 2208988800;
const DATAGRAM = 256;
/** The pattern `text` comes around after 95 lines of 74 octets. */
const PERIOD = 95 * 74;
const QUOTE = 'Be liberal in what you accept, and conservative in what you send. (RFC 1122, 1.2.2)\r\n';

const pattern = (size) => payloadOf({ pattern: 'text', seed: 1, size })();

/** The endless pattern of chargen is this piece over and over. */
export const CHARGEN_PIECE = pattern(9 * PERIOD);
const CHARGEN_DATAGRAM = pattern(DATAGRAM);

/** @returns {Buffer} at most 512 octets of printable ASCII (RFC 865) */
export const quote = () => Buffer.from(QUOTE, 'latin1');

/** @returns {Buffer} one line with date and time in UTC (RFC 867) */
export const daytime = () => Buffer.from(`${new Date().toUTCString()}\r\n`, 'latin1');

/** @returns {Buffer} 32 bits in network order (RFC 868) */
export function time() {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE((Math.floor(Date.now() / 1000) + SINCE_1900) % 2 ** 32);
  return octets;
}

/** @returns {Buffer} what chargen answers to a datagram (RFC 864) */
export const chargenDatagram = () => CHARGEN_DATAGRAM;
