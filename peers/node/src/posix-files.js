// Pipes, FIFOs and shared memory: what the C library makes of names and descriptors. None of these calls ever waits.
// Knows no conversation.

import fs from 'node:fs';
import os from 'node:os';
import { bound, checked, memoryAt, systemError } from './posix.js';

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = fs.constants;
const CLOEXEC = 0x80000;
const MINE_ALONE = 0o600;
const READ_WRITE = 3;
const SHARED = 1;
const POLLHUP = 0x10;

const pipe2 = checked('int pipe2(void *, int)');
const openCall = checked('int open(const char *, int, int)', ['ENXIO']);
const readCall = checked('intptr_t read(int, void *, size_t)', ['EAGAIN']);
const pollCall = checked('int poll(void *, unsigned long, int)');
const shmOpen = checked('int shm_open(const char *, int, uint32_t)');
const mmap = bound('void *mmap(void *, size_t, int, int, int, int64_t)');
const munmap = checked('int munmap(void *, size_t)');

/** @returns {[number, number]} a new pipe: the end to read from, the end to write to */
export function pipe() {
  const ends = Buffer.from(new ArrayBuffer(8));
  pipe2(ends, CLOEXEC);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

const mkfifo = checked('int mkfifo(const char *, uint32_t)');

/** @param {string} path of a new FIFO */
export const makeFifo = (path) => mkfifo(path, MINE_ALONE);

/**
 * @param {string} path of a FIFO
 * @returns {number} a descriptor, whether somebody writes or not
 */
export const openReading = (path) => openCall(path, O_RDONLY | O_NONBLOCK | CLOEXEC, 0);

/**
 * @param {string} path of a FIFO
 * @returns {number | undefined} a descriptor; undefined as long as nobody has it open for reading
 */
export const openWriting = (path) => openCall(path, O_WRONLY | O_NONBLOCK | CLOEXEC, 0);

/**
 * Whether somebody has come to write, which the system does not say outright: a read finds octets, or nothing yet, or an
 * end; and an end that is there from the start is told from one that somebody made by POLLHUP (poll(2)).
 *
 * @param {number} fd of a FIFO, to read from
 * @returns {Buffer | undefined} what was read on that occasion, at most one octet; undefined: nobody came yet
 */
export function firstOf(fd) {
  const octet = Buffer.from(new ArrayBuffer(1));
  const count = readCall(fd, octet, 1);
  if (count === 0 && !hungUp(fd)) return undefined;
  return octet.subarray(0, count ?? 0);
}

function hungUp(fd) {
  const asked = Buffer.from(new ArrayBuffer(8));
  asked.writeInt32LE(fd);
  pollCall(asked, 1, 0);
  return (asked.readInt16LE(6) & POLLHUP) !== 0;
}

/**
 * @param {string} name of a shared memory object that is made
 * @param {number} octets its size
 * @returns {Mapping}
 */
export const makeMemory = (name, octets) =>
  mapped(shmOpen(name, O_RDWR | O_CREAT | O_EXCL | CLOEXEC, MINE_ALONE), (fd) => {
    fs.ftruncateSync(fd, octets);
    return octets;
  });

/**
 * @param {string} name of a shared memory object that is there
 * @param {number} least octets
 * @returns {Mapping | undefined} undefined as long as it is smaller
 */
export const openMemory = (name, least) =>
  mapped(shmOpen(name, O_RDWR | CLOEXEC, 0), (fd) => {
    const { size } = fs.fstatSync(fd);
    return size < least ? undefined : size;
  });

/** Takes the name of a shared memory object away, if it is there. */
export const removeMemory = checked('int shm_unlink(const char *)', ['ENOENT']);

function mapped(fd, measure) {
  try {
    const size = measure(fd);
    return size === undefined ? undefined : new Mapping(fd, size);
  } finally {
    fs.closeSync(fd);
  }
}

/** Shared memory in this process's address space. */
class Mapping {
  #address;

  constructor(fd, size) {
    this.#address = mmap(null, size, READ_WRITE, SHARED, fd, 0);
    if (BigInt.asIntN(64, this.#address) === -1n) throw systemError(os.constants.errno.ENOMEM, 'mmap');
    this.memory = memoryAt(this.#address, size);
  }

  /** Unmaps it: nobody may touch `memory` any more. */
  release() {
    const { byteLength } = this.memory;
    this.memory = undefined;
    munmap(this.#address, byteLength);
  }
}
