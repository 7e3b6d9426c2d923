// Sockets of the Unix domain that Node has no call for: all kinds, with descriptors and credentials. None of these calls
// ever waits. Knows no conversation.

import os from 'node:os';
import { addressOf, bound, checked, systemError } from './posix.js';

const AF_UNIX = 1;
export const STREAM = 1;
export const DATAGRAM = 2;
export const SEQPACKET = 5;
const NONBLOCK = 0x800;
const CLOEXEC = 0x80000;

const SOL_SOCKET = 1;
const SO_PASSCRED = 16;
const SO_PEERCRED = 17;
const SCM_RIGHTS = 1;
const SHUT_WR = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** More than a record can have with the buffers that the system gives to a socket. */
const LARGEST = 256 * 1024;
const MOST_DESCRIPTORS = 16;
const PATH_OCTETS = 108;
const NAME_OCTETS = 2 + PATH_OCTETS;
const CONTROL_HEAD = 16;
const INT = 4;

const socketCall = checked('int socket(int, int, int)');
const bindCall = checked('int bind(int, void *, uint32_t)');
const connectCall = checked('int connect(int, void *, uint32_t)', ['EAGAIN', 'EINPROGRESS']);
const getsockoptCall = checked('int getsockopt(int, int, int, void *, void *)');
const setsockoptCall = checked('int setsockopt(int, int, int, void *, uint32_t)');
const sendmsgCall = checked('intptr_t sendmsg(int, void *, int)', ['EAGAIN', 'ENOBUFS']);
const recvmsgCall = checked('intptr_t recvmsg(int, void *, int)', ['EAGAIN']);
const sendCall = checked('intptr_t send(int, void *, size_t, int)', ['EAGAIN', 'ENOBUFS']);
const sendtoCall = checked('intptr_t sendto(int, void *, size_t, int, void *, uint32_t)', ['EAGAIN', 'ENOBUFS']);

/**
 * @param {number} type
 * @returns {number} a descriptor
 */
export const socket = (type) => socketCall(AF_UNIX, type | NONBLOCK | CLOEXEC, 0);

/** Of descriptor and backlog. */
export const listen = checked('int listen(int, int)');

const accept4 = checked('int accept4(int, void *, void *, int)', ['EAGAIN', 'ECONNABORTED']);

/**
 * @param {number} fd of a listener
 * @returns {number | undefined} the next connection, if there is one
 */
export const accept = (fd) => accept4(fd, null, null, NONBLOCK | CLOEXEC);

const shutdown = checked('int shutdown(int, int)');

/** @param {number} fd whose sending direction is shut down */
export const endSending = (fd) => shutdown(fd, SHUT_WR);

/**
 * @param {string} address a path, or `@name` for an abstract name
 * @returns {Buffer} it as a sockaddr_un, as long as it is
 */
export function nameOf(address) {
  const path = Buffer.from(address.startsWith('@') ? `\0${address.slice(1)}` : `${address}\0`);
  if (path.length > PATH_OCTETS) throw systemError(os.constants.errno.ENAMETOOLONG, 'bind');
  const name = fixed(2 + path.length);
  name.writeUInt16LE(AF_UNIX);
  path.copy(name, 2);
  return name;
}

/**
 * @param {number} fd
 * @param {Buffer} name
 */
export const bind = (fd, name) => bindCall(fd, name, name.length);

/**
 * @param {number} fd
 * @param {Buffer} name
 * @returns {number | undefined} undefined where the listener's queue is full
 */
export const connect = (fd, name) => connectCall(fd, name, name.length);

/**
 * @param {number} fd of a connection
 * @returns {{pid: number, uid: number, gid: number}} who is at its other end
 */
export function peerOf(fd) {
  const found = fixed(12);
  const length = fixed(INT);
  length.writeInt32LE(found.length);
  getsockoptCall(fd, SOL_SOCKET, SO_PEERCRED, found, length);
  return { pid: found.readInt32LE(0), uid: found.readUInt32LE(4), gid: found.readUInt32LE(8) };
}

/** @param {number} fd which from now on gives the sender's credentials with each record, an empty one too: not an end */
export function markRecords(fd) {
  const on = fixed(INT);
  on.writeInt32LE(1);
  setsockoptCall(fd, SOL_SOCKET, SO_PASSCRED, on, INT);
}

/**
 * @param {number} fd
 * @param {Buffer} octets
 * @param {Buffer} [to] the name of the one who shall have them; missing: who is connected
 * @returns {number | undefined} how many of them the system took; undefined where it has no room
 */
export function send(fd, octets, to) {
  if (to === undefined) return sendCall(fd, octets, octets.length, MSG_NOSIGNAL);
  return sendtoCall(fd, octets, octets.length, MSG_NOSIGNAL, to, to.length);
}

/**
 * @param {number} fd
 * @param {Buffer} octets
 * @param {number[]} descriptors passed with the first octet
 * @returns {number | undefined} as `send`
 */
export function sendWith(fd, octets, descriptors) {
  const message = new Message(fixed(octets.length || 1), 0, controlOctets(descriptors.length));
  message.place.set(octets);
  message.lay(octets.length);
  message.pass(descriptors);
  return sendmsgCall(fd, message.head, MSG_NOSIGNAL);
}

let incoming;

/**
 * @param {number} fd
 * @returns {{octets: Buffer, sender: Buffer, descriptors: number[], marked: boolean} | undefined} what came: `marked` if
 *   it carried anything beside its octets; undefined where nothing is there
 */
export function receive(fd) {
  incoming ??= new Message(fixed(LARGEST), NAME_OCTETS, 2 * CONTROL_HEAD + controlOctets(MOST_DESCRIPTORS));
  incoming.lay(LARGEST);
  const count = recvmsgCall(fd, incoming.head, MSG_CMSG_CLOEXEC);
  if (count === undefined) return undefined;
  const octets = Buffer.from(incoming.place.subarray(0, count));
  return { octets, sender: incoming.sender(), ...incoming.besides() };
}

const close = bound('int close(int)');

/** @param {Iterable<number>} descriptors which nobody wants any more */
export function closeAll(descriptors) {
  for (const fd of descriptors) close(fd);
}

const controlOctets = (count) => CONTROL_HEAD + Math.ceil((count * INT) / 8) * 8;

/** Memory that stays where it is: small Buffers of Node share theirs, small typed arrays are moved about. */
function fixed(size) {
  return Buffer.from(new ArrayBuffer(size));
}

/** A `struct msghdr` with all that it points to. */
class Message {
  /** name, its length, iovec, their number, control, its length, flags */
  head = fixed(56);
  #piece = fixed(16);
  #name;
  #control;

  constructor(place, nameOctets, control) {
    this.place = place;
    this.#name = fixed(nameOctets || 1);
    this.#control = fixed(control);
    this.#piece.writeBigUInt64LE(addressOf(place), 0);
    if (nameOctets > 0) this.head.writeBigUInt64LE(addressOf(this.#name), 0);
    this.head.writeBigUInt64LE(addressOf(this.#piece), 16);
    this.head.writeBigUInt64LE(1n, 24);
    this.head.writeBigUInt64LE(addressOf(this.#control), 32);
  }

  /** Sets all lengths, which a call changes. */
  lay(octets) {
    this.#piece.writeBigUInt64LE(BigInt(octets), 8);
    this.head.writeUInt32LE(this.head.readBigUInt64LE(0) === 0n ? 0 : NAME_OCTETS, 8);
    this.head.writeBigUInt64LE(BigInt(this.#control.length), 40);
  }

  pass(descriptors) {
    this.#control.writeBigUInt64LE(BigInt(CONTROL_HEAD + descriptors.length * INT), 0);
    this.#control.writeInt32LE(SOL_SOCKET, 8);
    this.#control.writeInt32LE(SCM_RIGHTS, 12);
    descriptors.forEach((fd, index) => this.#control.writeInt32LE(fd, CONTROL_HEAD + index * INT));
  }

  sender() {
    const name = fixed(this.head.readUInt32LE(8));
    this.#name.copy(name);
    return name;
  }

  besides() {
    const end = Number(this.head.readBigUInt64LE(40));
    const descriptors = [];
    for (let at = 0; at + CONTROL_HEAD <= end; ) {
      const length = Number(this.#control.readBigUInt64LE(at));
      if (this.#control.readInt32LE(at + 12) === SCM_RIGHTS) {
        for (let fd = at + CONTROL_HEAD; fd < at + length; fd += INT) descriptors.push(this.#control.readInt32LE(fd));
      }
      at += Math.ceil(length / 8) * 8;
    }
    return { descriptors, marked: end > 0 };
  }
}
