// HTTP/1.1 as a client, with node:http and an Agent of its own for each conversation: one connection at a time,
// which persists where the server lets it.

import http from 'node:http';
import { Asking, asker } from './asking.js';
import { StepFailure, badCommand } from './faults.js';
import { codingOf, fieldsOf, isFraming, methodOf, pairs, sendContent } from './http-parts.js';
import * as members from './members.js';
import { payloadOf } from './payload.js';
import { Tally } from './tally.js';

/** What node:http takes as `path`: anything but controls and the space. */
const TARGET = /^[\x21-\x7e\x80-\xff]+$/;

/** Carries the command `ask` out. */
export const askHttp = asker((remote, report) => new Conversation(remote, report), requestOf);

function requestOf(raw) {
  const path = members.text(raw, 'target');
  if (!TARGET.test(path)) throw badCommand("'target' must be percent-encoded");
  const octets = raw.body === undefined ? undefined : payloadOf(raw.body)();
  const headers = headersOf([...fieldsOf(raw)], codingOf(raw), octets);
  return { method: methodOf(raw), path, headers, octets, keep: members.keep(raw) };
}

/** Fields as `http.request` wants them; those with one name together, as it knows a name only once. */
function headersOf(fields, coding, octets) {
  if (octets !== undefined && !fields.some(isFraming)) {
    fields.push(coding === 'chunked' ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(octets.length)]);
  }
  const byName = new Map();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    if (byName.has(key)) byName.get(key).values.push(value);
    else byName.set(key, { name, values: [value] });
  }
  const entry = ({ name, values }) => [name, values.length === 1 ? values[0] : values];
  return Object.fromEntries([...byName.values()].map(entry));
}

class Conversation extends Asking {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  #known = new WeakSet();

  ask({ octets, keep, ...message }) {
    return new Promise((resolve, reject) => {
      this.cut = reject;
      const [host, port] = this.remote;
      const request = http.request({ host, port, agent: this.#agent, ...message });
      let answered = false;
      request.on('socket', (socket) => this.#meet(socket));
      request.on('response', (response) => {
        answered = true;
        this.#collect(response, keep, resolve);
      });
      // Once there is a response, what breaks shows in its content.
      request.on('error', (error) => answered || reject(error));
      request.on('close', () => answered || reject(new StepFailure('ended', 'the connection ended without a response')));
      sendBody(request, octets);
    });
  }

  destroy() {
    this.#agent.destroy();
  }

  #collect(response, keep, resolve) {
    const tally = new Tally(keep);
    let told = false;
    const tell = () => {
      if (!told) this.say('response', { ...headOf(response), ...tally.result(), ...endingOf(response) });
      told = true;
      resolve();
    };
    response.on('data', (piece) => tally.add(piece));
    response.on('end', tell);
    response.on('close', tell);
    // A response that breaks off is closed without an end; that is told, and no more to say about it.
    response.on('error', () => {});
  }

  #meet(socket) {
    if (this.#known.has(socket)) return;
    this.#known.add(socket);
    this.follow(socket);
  }
}

function sendBody(request, octets) {
  if (octets === undefined) request.end();
  else {
    request.flushHeaders();
    sendContent(request, octets);
  }
}

function headOf({ statusCode, statusMessage, httpVersion, rawHeaders }) {
  return { status: statusCode, reason: statusMessage, version: `HTTP/${httpVersion}`, fields: pairs(rawHeaders) };
}

function endingOf({ complete, rawTrailers }) {
  return { complete, ...(rawTrailers.length > 0 && { trailers: pairs(rawTrailers) }) };
}
