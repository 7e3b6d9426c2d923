// HTTP/1.1 as a client, with node:http and an Agent of its own for each conversation: one connection at a time,
// which persists where the server lets it.

import http from 'node:http';
import { ends } from './addresses.js';
import { STOPPED, StepFailure, badCommand, describe } from './faults.js';
import { codingOf, fieldsOf, isFraming, methodOf, pairs, sendContent } from './http-parts.js';
import * as members from './members.js';
import { payloadOf } from './payload.js';
import { Tally } from './tally.js';

/** What node:http takes as `path`: anything but controls and the space. */
const TARGET = /^[\x21-\x7e\x80-\xff]+$/;

/**
 * @param {object} command `ask`
 * @param {import('./output.js').Report} report
 * @returns {{stop: () => void}}
 */
export function askHttp(command, report) {
  const { address, port } = members.endpoint(command);
  const requests = members.objects(command, 'requests').map(requestOf);
  const conversation = new Conversation(address, port, report);
  conversation.run(requests, members.deadline(command));
  return conversation;
}

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

class Conversation {
  #remote;
  #report;
  #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  #known = new WeakSet();
  #open = new Set();
  #hadSocket = false;
  #over = false;
  #cut = () => {};

  constructor(address, port, report) {
    this.#remote = [address, port];
    this.#report = report;
  }

  /** Ends the conversation where it stands. */
  stop() {
    this.#cut(STOPPED);
  }

  async run(requests, deadline) {
    const late = new StepFailure('timeout', `the deadline was not met within ${deadline} ms`);
    const timer = setTimeout(() => this.#cut(late), deadline);
    await this.#askAll(requests);
    clearTimeout(timer);
    await this.#close();
    if (this.#hadSocket) this.#report.add('closed');
    this.#report.done();
  }

  async #askAll(requests) {
    let at = 0;
    try {
      for (; at < requests.length; at++) await this.#ask(requests[at]);
    } catch (error) {
      if (error !== STOPPED) this.#say('failed', { at, ...describe(error) });
    } finally {
      this.#over = true;
    }
  }

  #ask({ octets, keep, ...message }) {
    return new Promise((resolve, reject) => {
      this.#cut = reject;
      const [host, port] = this.#remote;
      const request = http.request({ host, port, agent: this.#agent, ...message });
      let answered = false;
      request.on('socket', (socket) => this.#follow(socket));
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

  #collect(response, keep, resolve) {
    const tally = new Tally(keep);
    let told = false;
    const tell = () => {
      if (!told) this.#say('response', { ...headOf(response), ...tally.result(), ...endingOf(response) });
      told = true;
      resolve();
    };
    response.on('data', (piece) => tally.add(piece));
    response.on('end', tell);
    response.on('close', tell);
    // A response that breaks off is closed without an end; that is told, and no more to say about it.
    response.on('error', () => {});
  }

  #follow(socket) {
    if (this.#known.has(socket)) return;
    this.#known.add(socket);
    this.#open.add(socket);
    this.#hadSocket = true;
    socket.once('close', () => this.#open.delete(socket));
    socket.once('connect', () => this.#say('connected', { ...ends(socket), remote: this.#remote }));
  }

  async #close() {
    const closings = [...this.#open].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    this.#agent.destroy();
    await Promise.all(closings);
  }

  /** What was cut short may still come to its end; it has nothing more to say then. */
  #say(step, more) {
    if (!this.#over) this.#report.add(step, more);
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
