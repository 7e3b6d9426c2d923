// POSIX message queues. None of these calls ever waits. Knows no conversation.

import fs from 'node:fs';
import { checked } from './posix.js';

const { O_CREAT, O_EXCL, O_RDWR, O_NONBLOCK } = fs.constants;
const CLOEXEC = 0x80000;
const MINE_ALONE = 0o600;

/** `struct mq_attr`: flags, messages, size, held, and four more longs. */
const ATTRIBUTES = 64;
const MESSAGES = 8;
const SIZE = 16;
const HELD = 24;

const openCall = checked('int mq_open(const char *, int, uint32_t, void *)');
const getattr = checked('int mq_getattr(int, void *)');
const sendCall = checked('int mq_send(int, void *, size_t, unsigned int)', ['EAGAIN']);
const receiveCall = checked('intptr_t mq_receive(int, void *, size_t, void *)', ['EAGAIN']);
const closeCall = checked('int mq_close(int)');

/** Takes the name of a queue away, if it is there. */
export const removeQueue = checked('int mq_unlink(const char *)', ['ENOENT']);

/** A queue that is open. */
export class Queue {
  #fd;
  #place;
  #priority = Buffer.from(new ArrayBuffer(4));

  /**
   * @param {string} name
   * @param {{messages: number, size: number}} [room] of one that is made; missing: it is there
   */
  constructor(name, room) {
    const flags = O_RDWR | O_NONBLOCK | CLOEXEC;
    if (room) this.#fd = openCall(name, flags | O_CREAT | O_EXCL, MINE_ALONE, attributesOf(room));
    else this.#fd = openCall(name, flags, 0, null);
    this.#place = Buffer.from(new ArrayBuffer(this.#look(SIZE)));
  }

  /** How many messages are in it. */
  get held() {
    return this.#look(HELD);
  }

  /**
   * @param {Buffer} octets
   * @param {number} priority
   * @returns {true | undefined} undefined where the queue is full
   */
  send(octets, priority) {
    return sendCall(this.#fd, octets, octets.length, priority) === undefined ? undefined : true;
  }

  /** @returns {{octets: Buffer, priority: number} | undefined} undefined where the queue is empty */
  receive() {
    const count = receiveCall(this.#fd, this.#place, this.#place.length, this.#priority);
    if (count === undefined) return undefined;
    return { octets: Buffer.from(this.#place.subarray(0, count)), priority: this.#priority.readUInt32LE() };
  }

  close() {
    closeCall(this.#fd);
  }

  #look(member) {
    const attributes = Buffer.from(new ArrayBuffer(ATTRIBUTES));
    getattr(this.#fd, attributes);
    return Number(attributes.readBigInt64LE(member));
  }
}

function attributesOf({ messages, size }) {
  const attributes = Buffer.from(new ArrayBuffer(ATTRIBUTES));
  attributes.writeBigInt64LE(BigInt(messages), MESSAGES);
  attributes.writeBigInt64LE(BigInt(size), SIZE);
  return attributes;
}
