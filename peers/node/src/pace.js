// Waiting, and taking turns: a loop of awaits that never waits for the system would keep the event loop to itself,
// because Node answers writes that the system takes at once before it looks at any other socket.

import { setImmediate as turn } from 'node:timers/promises';

/** How much one conversation does in one turn of the event loop. */
const TURN = { calls: 32, octets: 256 * 1024 };

/** Gives way to other conversations now and then. */
export class Pace {
  #calls = 0;
  #octets = 0;

  /**
   * @param {number} octets that the call which was just made has moved
   * @returns {Promise<unknown> | undefined} to be awaited: it is the others' turn
   */
  step(octets) {
    this.#calls += 1;
    this.#octets += octets;
    if (this.#calls < TURN.calls && this.#octets < TURN.octets) return undefined;
    this.#calls = 0;
    this.#octets = 0;
    return turn();
  }
}

/** Lets so many calls through in each turn of the event loop, in the order in which they asked, whoever they are for. */
export class Turnstile {
  #width;
  #free;
  #waiting = [];
  #turning = false;

  /** @param {number} width calls in one turn */
  constructor(width) {
    this.#width = width;
    this.#free = width;
  }

  /** @returns {Promise<void> | undefined} to be awaited before the call */
  pass() {
    this.#turnLater();
    if (this.#free === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#free -= 1;
    return undefined;
  }

  #turnLater() {
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(() => this.#turn());
  }

  #turn() {
    this.#turning = false;
    const passing = this.#waiting.splice(0, this.#width);
    this.#free = this.#width - passing.length;
    if (passing.length > 0) this.#turnLater();
    for (const pass of passing) pass();
  }
}

/** One timer that can be waited for, and taken away when nobody waits any more. */
export class Alarm {
  #timer;

  /**
   * @param {number} ms
   * @returns {Promise<void>} never settled if the alarm was cleared before
   */
  sleep(ms) {
    return new Promise((resolve) => (this.#timer = setTimeout(resolve, ms)));
  }

  clear() {
    clearTimeout(this.#timer);
  }
}
