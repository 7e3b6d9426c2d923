// One connection as scripts see it, over TCP or another stream: reading that is eager or lazy, and writes, shutdown, close
// and reset that can be awaited. Knows no steps and reports nothing.

/** Octets that eager reading keeps for later steps before it waits for them, so that memory has an end. */
const MAX_KEPT = 64 * 1024 * 1024;

/**
 * For lazy reading: with a buffer this small, Node reads nothing before the first `receive`, and afterwards never more
 * than one piece (at most 64 KiB) beyond what was asked for. It cannot do without that one: a stream reads on as soon as
 * its buffer is empty.
 */
export const LAZY_BUFFER = 1;

/**
 * A connected socket, or what behaves as one, or one that is about to connect; lazy ones must be paused before they are
 * handed over.
 */
export class Stream {
  #socket;
  #lazy;
  #kept = [];
  #first = 0;
  #keptOctets = 0;
  #ended = false;
  #error;
  #closed = false;
  #waiter;
  #readingOn = false;

  /**
   * @param {import('node:net').Socket} socket
   * @param {boolean} lazy
   */
  constructor(socket, lazy) {
    this.#socket = socket;
    this.#lazy = lazy;
    socket.on('data', (piece) => this.#came(piece));
    socket.on('end', () => this.#endCame());
    socket.on('error', (error) => this.#broke(error));
    socket.on('close', () => (this.#closed = true));
    this.#steer();
  }

  /** The error that ended the connection, if one did. */
  get error() {
    return this.#error;
  }

  /**
   * Feeds octets to `wanted` until it is done, or no more can come.
   *
   * @param {{done: boolean, take: (piece: Buffer) => number}} wanted
   * @returns {Promise<'done' | 'ended' | 'broke'>}
   */
  read(wanted) {
    return new Promise((resolve) => {
      this.#waiter = { wanted, resolve };
      this.#serve();
    });
  }

  /**
   * Reads ahead, lazy or not, as long as something is waited for that comes beside the octets.
   *
   * @template T
   * @param {Promise<T>} found
   * @returns {Promise<T>}
   */
  async readOn(found) {
    this.#readingOn = true;
    this.#steer();
    try {
      return await found;
    } finally {
      this.#readingOn = false;
      this.#steer();
    }
  }

  /** Ends a `read` that has not found its end. */
  giveUpReading() {
    this.#waiter = undefined;
    this.#steer();
  }

  /**
   * @param {Buffer} octets handed to the system in one call, as far as it takes them at once
   * @returns {Promise<void>} when the system has them all
   */
  write(octets) {
    return this.#call((done) => this.#socket.write(octets, done));
  }

  /** @returns {Promise<void>} when our FIN is on its way */
  halfClose() {
    return this.#call((done) => this.#socket.end(done));
  }

  /** @returns {Promise<void>} */
  close() {
    return this.#untilClosed(() => this.#socket.destroy());
  }

  /** @returns {Promise<void>} when the connection was aborted, which makes the system send an RST */
  reset() {
    return this.#untilClosed(() => this.#socket.destroyed || this.#socket.resetAndDestroy());
  }

  /** A call that was cut off by the end of the socket is answered as if it had been done: hence the second look. */
  #call(begin) {
    return new Promise((resolve, reject) => {
      if (this.#error) reject(this.#error);
      else begin((error) => (this.#error ?? error ? reject(this.#error ?? error) : resolve()));
    });
  }

  #untilClosed(begin) {
    return new Promise((resolve) => {
      if (this.#closed) resolve();
      else {
        this.#socket.once('close', () => resolve());
        begin();
      }
    });
  }

  #came(piece) {
    this.#kept.push(piece);
    this.#keptOctets += piece.length;
    this.#serve();
  }

  #endCame() {
    this.#ended = true;
    this.#serve();
  }

  #broke(error) {
    this.#error ??= error;
    this.#serve();
  }

  #serve() {
    if (this.#waiter) {
      this.#feed(this.#waiter.wanted);
      const outcome = this.#outcome(this.#waiter.wanted);
      if (outcome) this.#settle(outcome);
    }
    this.#steer();
  }

  #feed(wanted) {
    while (!wanted.done && this.#first < this.#kept.length) {
      const piece = this.#kept[this.#first];
      const taken = wanted.take(piece);
      this.#keptOctets -= taken;
      if (taken < piece.length) this.#kept[this.#first] = piece.subarray(taken);
      else this.#drop();
    }
  }

  /** Lets go of the first piece; the list is cut only now and then, as cutting costs its whole length. */
  #drop() {
    this.#kept[this.#first++] = undefined;
    if (this.#first * 2 < this.#kept.length) return;
    this.#kept.splice(0, this.#first);
    this.#first = 0;
  }

  #outcome(wanted) {
    if (wanted.done) return 'done';
    if (this.#error) return 'broke';
    return this.#ended ? 'ended' : undefined;
  }

  #settle(outcome) {
    const { resolve } = this.#waiter;
    this.#waiter = undefined;
    resolve(outcome);
  }

  #steer() {
    const asked = this.#waiter !== undefined || this.#readingOn;
    const wanted = asked || (!this.#lazy && this.#keptOctets < MAX_KEPT);
    if (wanted && this.#socket.isPaused()) this.#socket.resume();
    else if (!wanted && !this.#socket.isPaused()) this.#socket.pause();
  }
}
