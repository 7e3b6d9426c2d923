// What a script may consist of: checks every step before the first one is done. Knows no socket.

import { badCommand, unsupported } from './faults.js';
import * as members from './members.js';
import { hexOf, payloadOf } from './payload.js';

/** In which order steps make sense: role and transport -> state -> step -> next state. */
const ORDER = {
  'client/tcp': {
    start: { wait: 'start', connect: 'open' },
    open: { wait: 'open', send: 'open', receive: 'open', 'half-close': 'listening', close: 'shut', reset: 'shut' },
    listening: { wait: 'listening', receive: 'listening', close: 'shut', reset: 'shut' },
    shut: { wait: 'shut' },
  },
  'client/udp': {
    start: { wait: 'start', connect: 'open', send: 'open', receive: 'open', close: 'shut' },
    open: { wait: 'open', send: 'open', receive: 'open', close: 'shut' },
    shut: { wait: 'shut' },
  },
};
ORDER['server/tcp'] = {
  ...ORDER['client/tcp'],
  start: { wait: 'start', accept: 'open', close: 'shut' },
  shut: { wait: 'shut', accept: 'open' },
};
ORDER['server/udp'] = { ...ORDER['client/udp'], start: ORDER['client/udp'].open };

const CHECKS = {
  connect: () => ({}),
  accept: () => ({}),
  send: checkSend,
  receive: checkReceive,
  'half-close': () => ({}),
  close: () => ({}),
  reset: () => ({}),
  wait: (step) => ({ ms: members.milliseconds(step, 'ms') ?? members.whole(step, 'ms') }),
};

/**
 * The steps of a script, checked and with their defaults filled in; a payload becomes its maker.
 *
 * @param {object} command `script`
 * @returns {object[]}
 * @throws {import('./faults.js').CommandFault}
 */
export function planOf(command) {
  const order = ORDER[`${command.role}/${command.transport}`];
  let state = 'start';
  return members.objects(command, 'steps').map((step, at) => {
    const verb = members.text(step, 'do');
    if (!Object.hasOwn(CHECKS, verb)) throw unsupported(`no step is called '${verb}'`);
    const next = order[state][verb];
    if (next === undefined) throw badCommand(`step ${at}: '${verb}' cannot come here`);
    state = next;
    return { do: verb, within: members.milliseconds(step, 'within'), ...CHECKS[verb](step, command.transport) };
  });
}

function checkSend(step) {
  return {
    payload: payloadOf(step.payload),
    writes: step.writes === undefined ? undefined : sizes(step.writes),
    gap: members.milliseconds(step, 'gap'),
    count: members.whole(step, 'count', { otherwise: 1 }),
  };
}

function sizes(value) {
  const good = Array.isArray(value) && value.length > 0 && value.every((size) => Number.isSafeInteger(size) && size > 0);
  if (!good) throw badCommand("'writes' must be a list of whole numbers above 0");
  return value;
}

/** What `receive` can wait for: member -> how its value is read. Exactly one of them is there. */
const WANTS = {
  tcp: {
    octets: (step) => members.whole(step, 'octets'),
    until: (step) => members.choice(step, 'until', ['end']),
    through: (step) => throughOf(step),
    quiet: (step) => members.milliseconds(step, 'quiet'),
  },
  udp: {
    count: (step) => members.whole(step, 'count'),
    quiet: (step) => members.milliseconds(step, 'quiet'),
  },
};

function checkReceive(step, transport) {
  const wants = WANTS[transport];
  const named = Object.keys(wants).filter((name) => step[name] !== undefined);
  if (named.length === 0 && transport === 'udp') named.push('count');
  if (named.length !== 1) throw badCommand(`'receive' needs one of ${Object.keys(wants).join(', ')}`);
  const [name] = named;
  return { wants: name, [name]: wants[name]({ count: 1, ...step }), keep: members.keep(step) };
}

function throughOf(step) {
  const mark = hexOf(step, 'through');
  if (mark.length === 0) throw badCommand("'through' must have at least one octet");
  return mark;
}
