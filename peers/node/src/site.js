// A site as data: which resource answers a request, and with what. Knows the words of RFC 9110, and no HTTP stack.

import { checkField, codingOf, fieldsOf, isFraming, methodOf } from './http-parts.js';
import * as members from './members.js';
import { payloadOf } from './payload.js';

/** Fields of the 200 that a 304 has too (RFC 9110, 15.4.5); ETag is added on its own. */
const KEPT_BY_304 = ['cache-control', 'content-location', 'expires', 'vary'];
const NOTHING = Buffer.alloc(0);
const ENTITY_TAGS = /(?:W\/)?"[^"]*"/g;

/**
 * What is sent for one request: all but what the stack adds. `fields` is flat: name, value, name, value.
 *
 * @typedef {{status: number, fields: string[], octets: Buffer}} Answer
 */

/** The resources of one service. */
export class Site {
  #paths = new Map();

  /**
   * @param {object} command `serve` with `site`
   * @throws {import('./faults.js').CommandFault}
   */
  constructor(command) {
    for (const raw of members.objects(command, 'site')) {
      const resource = resourceOf(raw);
      if (!this.#paths.has(resource.path)) this.#paths.set(resource.path, new Map());
      this.#paths.get(resource.path).set(resource.method, resource);
    }
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {Buffer} content of the request
   * @returns {Answer}
   */
  answer(request, content) {
    const path = pathOf(request.url);
    const methods = this.#paths.get(path);
    const isHead = request.method === 'HEAD';
    const resource = methods?.get(request.method) ?? (isHead ? methods?.get('GET') : undefined);
    if (resource) return represent(resource, request, content);
    if (request.method === 'OPTIONS' && (methods || path === '*')) return allow(204, methods ?? this.#allMethods());
    return methods ? allow(405, methods) : { status: 404, fields: ['Content-Length', '0'], octets: NOTHING };
  }

  #allMethods() {
    return new Map([...this.#paths.values()].flatMap((methods) => [...methods]));
  }
}

function resourceOf(raw) {
  return {
    path: members.text(raw, 'path'),
    method: methodOf(raw, 'method'),
    status: members.whole(raw, 'status', { min: 200, max: 599 }),
    fields: fieldsOf(raw),
    isMirror: raw.body === 'request',
    octets: raw.body === undefined || raw.body === 'request' ? NOTHING : payloadOf(raw.body)(),
    coding: codingOf(raw),
    etag: etagOf(raw),
  };
}

function etagOf(raw) {
  if (raw.etag === undefined) return undefined;
  checkField(['ETag', raw.etag]);
  return raw.etag;
}

/** The request-target up to `?`; of an absolute-form target, its path (RFC 9112, 3.2). */
function pathOf(target) {
  const [path] = target.split('?', 1);
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*(.*)$/s.exec(path);
  return absolute ? absolute[1] || '/' : path;
}

function represent(resource, request, content) {
  const etag = resource.etag === undefined ? [] : ['ETag', resource.etag];
  if (isNotModified(resource, request)) {
    const kept = flat(resource.fields, (name) => KEPT_BY_304.includes(name));
    return { status: 304, fields: [...kept, ...etag], octets: NOTHING };
  }
  const octets = resource.isMirror ? content : resource.octets;
  const type = resource.isMirror ? mirroredType(request) : [];
  const fields = [...flat(resource.fields), ...type, ...etag, ...framing(resource, request, octets)];
  return { status: resource.status, fields, octets: sendable(resource, request, octets) };
}

function isNotModified({ etag }, { method, headers }) {
  const condition = headers['if-none-match'];
  if (etag === undefined || condition === undefined || (method !== 'GET' && method !== 'HEAD')) return false;
  return condition.trim() === '*' || (condition.match(ENTITY_TAGS) ?? []).some((tag) => opaque(tag) === opaque(etag));
}

/** What the weak comparison looks at (RFC 9110, 8.8.3.2). */
const opaque = (etag) => etag.replace(/^W\//, '');

const flat = (fields, wanted = () => true) => fields.filter(([name]) => wanted(name.toLowerCase())).flat();

function mirroredType({ headers }) {
  return headers['content-type'] === undefined ? [] : ['Content-Type', headers['content-type']];
}

/** A message of these statuses never has content (RFC 9110, 15.3.5 and 15.4.5). */
const isBare = ({ status }) => status === 204 || status === 304;

function framing(resource, request, octets) {
  if (isBare(resource) || resource.fields.some(isFraming)) return [];
  if (resource.coding === 'length') return ['Content-Length', String(octets.length)];
  // HTTP/1.0 has no chunks: the stack ends the content by closing the connection.
  return request.httpVersion === '1.0' ? [] : ['Transfer-Encoding', 'chunked'];
}

const sendable = (resource, { method }, octets) => (method === 'HEAD' || isBare(resource) ? NOTHING : octets);

function allow(status, methods) {
  const names = new Set([...methods.keys(), 'OPTIONS']);
  if (names.has('GET')) names.add('HEAD');
  const length = status === 204 ? [] : ['Content-Length', '0'];
  return { status, fields: ['Allow', [...names].join(', '), ...length], octets: NOTHING };
}
