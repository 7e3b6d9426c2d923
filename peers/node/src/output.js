// The way out: gathers steps into events and events into writes. Knows the form of an event and nothing of what
// the steps say.

import { performance } from 'node:perf_hooks';

/** How long a step may wait for others of its conversation, in milliseconds; the contract allows 50. */
const HOLD = 30;
/** Characters of steps in one event before it is sent; far below the contract's 1 MiB with the largest step added. */
const FULL = 64 * 1024;

/** @returns {number} whole microseconds on a monotonic clock */
export const now = () => Math.floor(performance.now() * 1000);

/** Writes events to a stream, many in one write: at most one write is under way, the next takes all that came since. */
export class Output {
  #stream;
  #lines = [];
  #held = new Set();
  #timer;
  #scheduled = false;
  #writing = false;
  #onDrained;

  /** @param {import('node:stream').Writable} stream */
  constructor(stream) {
    this.#stream = stream;
  }

  /** @param {object} event */
  event(event) {
    this.line(JSON.stringify(event));
  }

  /** @param {string} json one event */
  line(json) {
    this.#lines.push(json);
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#write();
    });
  }

  /** @param {Report} report that has steps which may wait a little */
  hold(report) {
    this.#held.add(report);
    this.#timer ??= setTimeout(() => this.release(), HOLD);
  }

  /** @param {Report} report that has nothing to wait any more */
  letGo(report) {
    this.#held.delete(report);
  }

  /** Hands over every step that is held back. */
  release() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const report of this.#held) report.flush();
  }

  /** @returns {Promise<void>} when every event so far was written */
  drained() {
    this.release();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      if (!this.#writing) this.#write();
    });
  }

  #write() {
    if (this.#lines.length === 0) {
      this.#onDrained?.();
      return;
    }
    const text = this.#lines.join('\n') + '\n';
    this.#lines = [];
    this.#writing = true;
    this.#stream.write(text, () => {
      this.#writing = false;
      this.#write();
    });
  }
}

/** The steps of one conversation, connection or service, gathered into as few events as the contract allows. */
export class Report {
  #output;
  #opening;
  #steps = '';
  #over = false;
  #onDone;

  /**
   * @param {Output} output
   * @param {string} id of the command
   * @param {{conn?: number, onDone?: () => void}} [more] the connection's number; what to do after the last event
   */
  constructor(output, id, { conn, onDone } = {}) {
    this.#output = output;
    this.#opening = `{"event":"steps","id":${JSON.stringify(id)},${conn === undefined ? '' : `"conn":${conn},`}"steps":[`;
    this.#onDone = onDone;
  }

  /**
   * @param {string} step
   * @param {object} [members] further members of the step
   * @param {number} [t] when it happened, if not just now
   */
  add(step, members, t = now()) {
    if (this.#over) return;
    const json = JSON.stringify({ step, t, ...members });
    if (this.#steps === '') {
      this.#steps = json;
      this.#output.hold(this);
    } else this.#steps += ',' + json;
    if (this.#steps.length > FULL) this.flush();
  }

  /** Sends what was gathered. */
  flush() {
    this.#output.letGo(this);
    if (this.#steps !== '') this.#send('');
  }

  /** Sends what was gathered in the last event; nothing comes after it, whatever callback is still to run. */
  done() {
    this.#over = true;
    this.#output.letGo(this);
    this.#send(',"done":true');
    this.#onDone?.();
  }

  #send(ending) {
    this.#output.line(`${this.#opening}${this.#steps}]${ending}}`);
    this.#steps = '';
  }
}

/** Takes the place of a Report where nothing is reported. */
export const MUTE = Object.freeze({ add() {}, flush() {}, done() {} });
