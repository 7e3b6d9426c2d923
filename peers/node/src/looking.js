// Looking again: what Node has no way to be told of is tried again, in each turn of the event loop at first, then every
// millisecond. Knows nothing of what is tried.

import { performance } from 'node:perf_hooks';
import { STOPPED } from './faults.js';

/** So long after something came of it, or was begun, everything is tried in each turn; longer takes the processor from others. */
const EAGER = 0.5;
const PAUSE = 1;

/** Everybody's attempts, in the order in which they began. */
const waiting = new Set();
let lastNews = 0;
let scheduled = false;

function schedule() {
  if (scheduled || waiting.size === 0) return;
  scheduled = true;
  if (performance.now() - lastNews < EAGER) setImmediate(look);
  else setTimeout(look, PAUSE);
}

function look() {
  scheduled = false;
  for (const attempt of waiting) if (attempt()) lastNews = performance.now();
  schedule();
}

/** What one conversation waits for; it can be told to stop. */
export class Patience {
  #mine = new Map();
  #ended;

  /**
   * @param {() => any} attempt anything but undefined is what was waited for
   * @returns {Promise<any>} that, or what the attempt threw
   */
  until(attempt) {
    return new Promise((resolve, reject) => {
      const done = () => this.#settled(attempt, resolve, reject);
      if (this.#ended) reject(this.#ended);
      else if (!done()) this.#begin(done, reject);
    });
  }

  /** Drops what is waited for now; it is never answered. */
  giveUp() {
    for (const done of this.#mine.keys()) waiting.delete(done);
    this.#mine.clear();
  }

  /** @param {Error} [error] answers what is waited for, now and later */
  end(error = STOPPED) {
    this.#ended ??= error;
    const rejects = [...this.#mine.values()];
    this.giveUp();
    for (const reject of rejects) reject(this.#ended);
  }

  #begin(done, reject) {
    const tracked = () => {
      const settled = done();
      if (settled) {
        waiting.delete(tracked);
        this.#mine.delete(tracked);
      }
      return settled;
    };
    waiting.add(tracked);
    this.#mine.set(tracked, reject);
    lastNews = performance.now();
    schedule();
  }

  #settled(attempt, resolve, reject) {
    try {
      const found = attempt();
      if (found === undefined) return false;
      resolve(found);
    } catch (error) {
      reject(error);
    }
    return true;
  }
}
