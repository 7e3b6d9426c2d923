// The transports of one machine: which there are here, what their commands may say, and who holds their scripts, loaded at
// the first use. Knows no system call.

import process from 'node:process';
import { badCommand, unsupported } from './faults.js';
import * as members from './members.js';
import { lacking, ready } from './posix.js';

/** Who holds the scripts of each transport, and whether Node alone is enough. */
const TRANSPORTS = {
  unix: { talk: unixTalk, plain: true },
  'unix-seqpacket': { talk: async () => (await import('./talk-seqpacket.js')).SeqpacketTalk },
  'unix-datagram': { talk: async () => (await import('./talk-datagram.js')).DatagramTalk },
  fifo: { talk: async () => (await import('./talk-fifo.js')).FifoTalk },
  pipe: { talk: async () => (await import('./talk-pipe.js')).PipeTalk },
  'shared-memory': { talk: async () => (await import('./talk-memory.js')).MemoryTalk },
  'message-queue': { talk: async () => (await import('./talk-queue.js')).QueueTalk },
  signal: { talk: async () => (await import('./talk-signal.js')).SignalTalk, plain: true },
};

const ROOM = { octets: 65536, messages: 8, size: 1024 };

/** @returns {[string, string | undefined][]} each transport, and why it is not there if it is not */
export function transportsHere() {
  if (process.platform === 'win32') return Object.keys(TRANSPORTS).map((name) => [name, 'this system is not POSIX']);
  const why = lacking();
  return Object.entries(TRANSPORTS).map(([name, { plain }]) => [name, plain ? undefined : why]);
}

/**
 * @param {string} transport
 * @returns {boolean} whether it is one of these
 */
export const isLocal = (transport) => Object.hasOwn(TRANSPORTS, transport);

/**
 * @param {object} command `script`
 * @param {object[]} steps checked
 * @returns {object} what the members of the command say
 * @throws {import('./faults.js').CommandFault}
 */
export function localSetting(command, steps) {
  const address = members.text(command, 'address');
  if (command.transport === 'signal' && command.role === 'client') checkPid(address);
  const raw = address.startsWith('@') || steps.some((step) => step.credentials || step.descriptor);
  const names = [...new Set(steps.flatMap((step) => step.signals ?? []))];
  if (raw || !TRANSPORTS[command.transport].plain) needLibrary(command.transport);
  return { address, room: roomOf(command), joined: members.flag(command, 'joined'), raw, names };
}

/**
 * @param {object} setting of the command
 * @param {string} transport
 * @returns {Promise<Function>} the class that holds the script
 */
export const talkOf = (transport, setting) => TRANSPORTS[transport].talk(setting);

async function unixTalk({ raw }) {
  if (raw) return (await import('./talk-unix-raw.js')).RawUnixTalk;
  return (await import('./talk-unix.js')).UnixTalk;
}

function roomOf({ room = {} }) {
  if (!members.isObject(room)) throw badCommand("'room' must be an object");
  const size = (name) => members.whole(room, name, { min: 1, otherwise: ROOM[name] });
  return { octets: size('octets'), messages: size('messages'), size: size('size') };
}

function checkPid(address) {
  // 0 and negative numbers are groups of processes.
  if (!/^[1-9]\d{0,9}$/.test(address)) throw badCommand("'address' must be a process id, as text");
}

/** So that its absence refuses the command, and does not show in the middle of a conversation. */
function needLibrary(transport) {
  const why = lacking();
  if (why !== undefined) throw unsupported(`${transport} with abstract names, descriptors or credentials: ${why}`);
  ready();
}
