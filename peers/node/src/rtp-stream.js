// What a stream of RTP may consist of: checks the member `stream` of a command before the first packet is sent. Knows no socket.

import { badCommand } from './faults.js';
import * as members from './members.js';
import { hexOf, payloadOf } from './payload.js';

const MAX_16 = 2 ** 16 - 1;
const MAX_32 = 2 ** 32 - 1;
const MAX_CSRC = 15;
const WORD = 4;

/**
 * @param {object} command `ask`
 * @returns {object} the stream with its defaults filled in; `order` holds for each packet that is sent its `number`, the
 *   milliseconds of the `gap` before it, and whether the stream then `asks` for a report
 * @throws {import('./faults.js').CommandFault}
 */
export function streamOf({ stream: raw }) {
  if (!members.isObject(raw)) throw badCommand("'stream' must be an object");
  return {
    ssrc: members.whole(raw, 'ssrc', { max: MAX_32 }),
    type: members.whole(raw, 'type', { max: 127 }),
    sequence: members.whole(raw, 'sequence', { max: MAX_16 }),
    timestamp: members.whole(raw, 'timestamp', { max: MAX_32 }),
    advance: members.whole(raw, 'advance', { max: MAX_32 }),
    payload: payloadOf(raw.payload),
    order: orderOf(raw),
    marked: new Set(members.wholes(raw, 'marked', { otherwise: [] })),
    csrc: csrcOf(raw),
    extension: extensionOf(raw.extension),
    padding: members.whole(raw, 'padding', { max: 255, otherwise: 0 }),
  };
}

function orderOf(raw) {
  const order = members.wholes(raw, 'order', { max: MAX_32 });
  const gaps = members.wholes(raw, 'gaps', { max: members.MAX_WAIT, otherwise: [20] });
  const asks = new Set([...members.wholes(raw, 'reports', { otherwise: [] }), order.length]);
  if (order.length === 0 || gaps.length === 0) throw badCommand("'order' and 'gaps' must not be empty");
  const gapBefore = (place) => (place === 0 ? 0 : gaps[Math.min(place, gaps.length) - 1]);
  return order.map((number, place) => ({ number, gap: gapBefore(place), asks: asks.has(place + 1) }));
}

function csrcOf(raw) {
  const csrc = members.wholes(raw, 'csrc', { max: MAX_32, otherwise: [] });
  if (csrc.length > MAX_CSRC) throw badCommand(`'csrc' must have at most ${MAX_CSRC} sources`);
  return csrc;
}

function extensionOf(raw) {
  if (raw === undefined || raw === null) return undefined;
  if (!Array.isArray(raw)) throw badCommand("'extension' must be a list of a profile and hexadecimal digits");
  const [profile, digits] = raw;
  const words = hexOf({ extension: digits }, 'extension');
  if (words.length % WORD > 0) throw badCommand("'extension' must have whole words of 32 bits");
  return { profile: members.whole({ profile }, 'profile', { max: MAX_16 }), words };
}
