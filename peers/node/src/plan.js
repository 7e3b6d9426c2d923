// What a script may consist of: checks every step before the first one is done. Knows no socket.

import { badCommand, unsupported } from './faults.js';
import * as members from './members.js';
import { hexOf, payloadOf } from './payload.js';
import { checkBlock, checkSignalReceive, checkSignalSend } from './plan-signals.js';

/** In which order steps make sense: state -> step -> next state, by the kind of transport and the role. */
const CONNECTION = {
  client: {
    start: { wait: 'start', connect: 'open' },
    open: { wait: 'open', send: 'open', receive: 'open', 'half-close': 'listening', close: 'shut', reset: 'shut' },
    listening: { wait: 'listening', receive: 'listening', close: 'shut', reset: 'shut' },
    shut: { wait: 'shut' },
  },
};
CONNECTION.server = {
  ...CONNECTION.client,
  start: { wait: 'start', accept: 'open', close: 'shut' },
  shut: { wait: 'shut', accept: 'open' },
};
const OPEN = { wait: 'open', send: 'open', receive: 'open', close: 'shut' };
const LOOSE = {
  client: { start: { ...OPEN, wait: 'start', connect: 'open' }, open: OPEN, shut: { wait: 'shut' } },
  server: { start: OPEN, open: OPEN, shut: { wait: 'shut' } },
};
const MEMBER = { ...OPEN, join: 'open', leave: 'open' };
const GROUP = {
  client: { start: OPEN, open: OPEN, shut: { wait: 'shut' } },
  server: { start: MEMBER, open: MEMBER, shut: { wait: 'shut' } },
};
const NAMED = { ...LOOSE, client: { ...LOOSE.client, start: { wait: 'start', connect: 'open' } } };
const HEARING = { ...OPEN, block: 'open', unblock: 'open' };
const SIGNALS = { start: HEARING, open: HEARING, shut: { wait: 'shut' } };

const RECEIVE = {
  octets: (step) => members.whole(step, 'octets'),
  until: (step) => members.choice(step, 'until', ['end', 'reply']),
  through: (step) => throughOf(step),
  quiet: (step) => members.milliseconds(step, 'quiet'),
};
const RECORDS = {
  count: (step) => members.whole(step, 'count'),
  quiet: (step) => members.milliseconds(step, 'quiet'),
};

/** What each transport does its own way: the order of steps, what `receive` can wait for, which steps there are not. */
const MANNERS = {
  tcp: { order: CONNECTION, wants: RECEIVE },
  udp: { order: LOOSE, wants: RECORDS },
  multicast: { order: GROUP, wants: RECORDS },
  unix: { order: CONNECTION, wants: RECEIVE, without: ['reset'], passes: true },
  fifo: { order: CONNECTION, wants: RECEIVE, without: ['reset'] },
  pipe: { order: CONNECTION, wants: RECEIVE, without: ['reset'] },
  'shared-memory': { order: CONNECTION, wants: RECEIVE, without: ['reset'], once: true },
  'unix-seqpacket': { order: CONNECTION, wants: RECORDS, without: ['reset'], passes: true, ends: true },
  'unix-datagram': { order: NAMED, wants: RECORDS },
  'message-queue': { order: NAMED, wants: RECORDS },
  signal: { order: { client: SIGNALS, server: SIGNALS }, signals: true },
};

const CHECKS = {
  connect: (step) => ({ credentials: members.flag(step, 'credentials') }),
  accept: (step) => ({ credentials: members.flag(step, 'credentials') }),
  send: (step, manner) => (manner.signals ? checkSignalSend(step) : checkSend(step, manner)),
  receive: (step, manner, role) => (manner.signals ? checkSignalReceive(step, role) : checkReceive(step, manner)),
  'half-close': () => ({}),
  close: () => ({}),
  reset: () => ({}),
  join: () => ({}),
  leave: () => ({}),
  wait: checkWait,
  block: checkBlock,
  unblock: checkBlock,
};

/**
 * The steps of a script, checked and with their defaults filled in; a payload becomes its maker.
 *
 * @param {object} command `script`
 * @returns {object[]}
 * @throws {import('./faults.js').CommandFault}
 */
export function planOf(command) {
  const { role, transport } = command;
  const manner = MANNERS[transport];
  const order = manner.order[role];
  const done = new Set();
  let state = 'start';
  return members.objects(command, 'steps').map((step, at) => {
    const verb = members.text(step, 'do');
    if (!Object.hasOwn(CHECKS, verb)) throw unsupported(`no step is called '${verb}'`);
    if (manner.without?.includes(verb)) throw unsupported(`there is no '${verb}' over ${transport}`);
    if (manner.once && verb === 'accept' && done.has(verb)) throw unsupported(`${transport} carries one connection only`);
    const next = order[state][verb];
    if (next === undefined) throw badCommand(`step ${at}: '${verb}' cannot come here`);
    state = next;
    done.add(verb);
    return { do: verb, within: members.milliseconds(step, 'within'), ...CHECKS[verb](step, manner, role) };
  });
}

function checkSend(step, { passes, wants }) {
  const payload = payloadOf(step.payload);
  if (step.descriptor !== undefined && !passes) throw unsupported('no descriptor can be passed over this transport');
  return {
    payload,
    writes: step.writes === undefined ? undefined : sizes(step.writes),
    gap: members.milliseconds(step, 'gap'),
    count: members.whole(step, 'count', { otherwise: 1 }),
    descriptor: step.descriptor === undefined ? undefined : descriptorOf(step.descriptor, payload, wants),
    priority: members.whole(step, 'priority', { otherwise: 0 }),
    now: members.flag(step, 'now'),
  };
}

/** The most octets that a descriptor holds which is passed. */
const MAX_HELD = 4096;

function descriptorOf(recipe, payload, wants) {
  const held = payloadOf(recipe);
  if (held().length > MAX_HELD) throw badCommand(`a descriptor holds at most ${MAX_HELD} octets`);
  if (wants === RECEIVE && payload().length === 0) throw badCommand('a descriptor goes with the first octet: there is none');
  return held;
}

function sizes(value) {
  const good = Array.isArray(value) && value.length > 0 && value.every((size) => Number.isSafeInteger(size) && size > 0);
  if (!good) throw badCommand("'writes' must be a list of whole numbers above 0");
  return value;
}

/** Exactly one of the things that `receive` can wait for is there. */
function checkReceive(step, { wants, ends, passes }) {
  if (step.descriptor && !passes) throw unsupported('no descriptor can be passed over this transport');
  const named = Object.keys(wants).filter((name) => step[name] !== undefined);
  if (named.length === 0 && wants === RECORDS) named.push('count');
  if (named.length !== 1) throw badCommand(`'receive' needs one of ${Object.keys(wants).join(', ')}`);
  const [name] = named;
  const checked = { wants: name, [name]: wants[name]({ count: 1, ...step }), keep: members.keep(step) };
  if (ends && step.until !== undefined) checked.until = members.choice(step, 'until', ['end']);
  return { ...checked, descriptor: members.flag(step, 'descriptor'), now: members.flag(step, 'now') };
}

function throughOf(step) {
  const mark = hexOf(step, 'through');
  if (mark.length === 0) throw badCommand("'through' must have at least one octet");
  return mark;
}

function checkWait(step, manner) {
  if (step.messages === undefined) return { ms: members.milliseconds(step, 'ms') ?? members.whole(step, 'ms') };
  if (manner !== MANNERS['message-queue']) throw unsupported('only a message queue can be asked how many messages it holds');
  return { messages: members.whole(step, 'messages') };
}
