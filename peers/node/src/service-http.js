// HTTP/1.1 as a service, with node:http. Owns its connections and exchanges; what is answered stands in the site.

import http from 'node:http';
import { follow } from './following.js';
import { pairs, sendContent } from './http-parts.js';
import * as members from './members.js';
import { MUTE } from './output.js';
import { TcpListener } from './service-tcp.js';
import { Site } from './site.js';
import { Tally, UNCOUNTED, tallyOf } from './tally.js';

/** The stack must not end a conversation by a clock of its own: all of Node's time limits are off. */
const PATIENT = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 };

/**
 * @param {object} command `serve` with `site`
 * @param {import('./output.js').Report} report of the service
 * @param {() => import('./output.js').Report} newReport of one connection
 * @returns {{stop: () => void}}
 */
export function serveHttp(command, report, newReport) {
  const endpoint = members.endpoint(command);
  const site = new Site(command);
  const reports = new WeakMap();
  const server = http.createServer(PATIENT, (request, response) => {
    exchange(site, request, response, reports.get(request.socket));
  });
  return new TcpListener(server, endpoint, report, (socket) => {
    const ofConnection = newReport();
    reports.set(socket, ofConnection);
    follow(socket, ofConnection);
    return { stop: () => socket.destroy() };
  });
}

function exchange(site, request, response, report) {
  const tally = report === MUTE ? UNCOUNTED : new Tally();
  const content = [];
  request.on('data', (piece) => {
    tally.add(piece);
    content.push(piece);
  });
  request.on('end', () => {
    report.add('request', messageOf(request, tally));
    const answer = site.answer(request, Buffer.concat(content));
    sendContent(response.writeHead(answer.status, answer.fields), answer.octets);
    report.add('response', { status: answer.status, ...(report !== MUTE && tallyOf(answer.octets)) });
  });
  // A request that breaks off is no message: the end of the connection tells enough.
  request.on('error', () => {});
}

function messageOf(request, tally) {
  return {
    method: request.method,
    target: request.url,
    version: `HTTP/${request.httpVersion}`,
    fields: pairs(request.rawHeaders),
    ...tally.result(),
    ...(request.rawTrailers.length > 0 && { trailers: pairs(request.rawTrailers) }),
  };
}
