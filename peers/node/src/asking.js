// A conversation as a client, whatever stack holds it: its requests in turn, its sockets, its deadline, and what is
// told of its beginning and end. Knows no stack: that is a subclass.

import { ends } from './addresses.js';
import { STOPPED, StepFailure, describe } from './faults.js';
import * as members from './members.js';

/**
 * A subclass has `ask(request)`, a promise that is kept when the response was told and broken when there is none, and
 * `destroy()`, which ends what the stack keeps open. It may have `begin()` and `finish()`, for what comes before the first
 * request and after the last.
 */
export class Asking {
  #report;
  #open = new Set();
  #hadSocket = false;
  #over = false;

  /**
   * @param {[string, number]} remote where the server is
   * @param {import('./output.js').Report} report
   */
  constructor(remote, report) {
    this.remote = remote;
    this.#report = report;
    /** Breaks the promise of the request that is under way. */
    this.cut = () => {};
  }

  /** Ends the conversation where it stands. */
  stop() {
    this.cut(STOPPED);
  }

  /**
   * @param {object[]} requests as `ask` takes them
   * @param {number} deadline in milliseconds
   */
  async run(requests, deadline) {
    const late = new StepFailure('timeout', `the deadline was not met within ${deadline} ms`);
    const timer = setTimeout(() => this.cut(late), deadline);
    await this.#askAll(requests);
    clearTimeout(timer);
    // A library may have taken the listener away that counts a socket out.
    const open = [...this.#open].filter((socket) => !socket.closed);
    const closings = open.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await this.destroy(this.#open);
    await Promise.all(closings);
    if (this.#hadSocket) this.#report.add('closed');
    this.#report.done();
  }

  /**
   * @param {Error} error
   * @returns {{error: string, says: string}} the members of a `failed` step
   */
  describe(error) {
    return describe(error);
  }

  /** Tells of sockets that the stack keeps to itself. */
  created() {
    this.#hadSocket = true;
    this.say('created');
  }

  /** @param {import('node:net').Socket} socket a new one, not connected yet */
  follow(socket) {
    this.#hadSocket = true;
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.once('connect', () => this.say('connected', { ...ends(socket), remote: this.remote }));
  }

  /** What was cut short may still come to its end; it has nothing more to say then. */
  say(step, more) {
    if (!this.#over) this.#report.add(step, more);
  }

  async #askAll(requests) {
    let at = -1;
    try {
      await this.begin?.(requests[0]);
      for (at = 0; at < requests.length; at++) await this.ask(requests[at]);
      at = requests.length - 1;
      await this.finish?.();
    } catch (error) {
      if (error !== STOPPED) this.say('failed', { at, ...this.describe(error) });
    } finally {
      this.#over = true;
    }
  }
}

/**
 * @param {(remote: [string, number], report: object) => Asking} make
 * @param {(raw: object) => object} requestOf checks a request and makes it what `ask` takes
 * @param {string} [list] the member of the command that holds the requests
 * @returns {(command: object, report: import('./output.js').Report) => Asking} what carries the command `ask` out
 */
export const asker = (make, requestOf, list = 'requests') => (command, report) => {
  const { address, port } = members.endpoint(command);
  const requests = members.objects(command, list).map(requestOf);
  const asking = make([address, port], report);
  asking.run(requests, members.deadline(command));
  return asking;
};
