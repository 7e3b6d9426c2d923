// DNS as a service, over UDP and over TCP: the sockets and the reports are those of the small services.

import { OVER_TCP, OVER_UDP, answerTo } from './dns-answer.js';
import { Zone } from './dns-zone.js';
import { serveTcpWith } from './service-tcp.js';
import { serveUdpWith } from './service-udp.js';

/** Octets of the length that stands before each message over TCP (RFC 1035, 4.2.2). */
const LENGTH = 2;
/** Octets that may wait to be sent before reading pauses. */
const FLOOD = 256 * 1024;

/**
 * @param {object} command `serve` with `zone`
 * @param {import('./output.js').Report} report
 * @returns {{stop: () => void}}
 */
export function serveDnsUdp(command, report) {
  const zone = new Zone(command);
  return serveUdpWith((query) => answerTo(zone, query, OVER_UDP), command, report);
}

/**
 * @param {object} command `serve` with `zone`
 * @param {import('./output.js').Report} report of the service
 * @param {() => import('./output.js').Report} newReport of one connection
 * @returns {{stop: () => void}}
 */
export function serveDnsTcp(command, report, newReport) {
  const zone = new Zone(command);
  return serveTcpWith((connection) => converse(connection, zone), command, report, newReport);
}

/** Answers query after query; after the client's FIN it closes as soon as all answers are with the system. */
function converse(connection, zone) {
  const { socket } = connection;
  const messages = new Messages();
  let ended = false;
  const onSent = () => {
    if (connection.waiting > 0) return;
    if (ended) connection.close();
    else if (socket.isPaused()) socket.resume();
  };
  socket.on('data', (octets) => {
    for (const query of messages.feed(octets)) {
      const answer = answerTo(zone, query, OVER_TCP);
      if (answer) connection.send(framed(answer), onSent);
    }
    if (connection.waiting > FLOOD) socket.pause();
  });
  socket.on('end', () => {
    ended = true;
    onSent();
  });
}

function framed(message) {
  const length = Buffer.alloc(LENGTH);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Cuts octets into messages, however they came in pieces. */
class Messages {
  #rest = Buffer.alloc(0);

  /** @returns {Generator<Buffer>} the messages that are whole now */
  *feed(octets) {
    let left = this.#rest.length > 0 ? Buffer.concat([this.#rest, octets]) : octets;
    while (left.length >= LENGTH && left.length >= LENGTH + left.readUInt16BE(0)) {
      const end = LENGTH + left.readUInt16BE(0);
      yield left.subarray(LENGTH, end);
      left = left.subarray(end);
    }
    this.#rest = left;
  }
}
