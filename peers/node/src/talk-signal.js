// Scripts of signals: sent with kill and sigqueue, received with process.on. Node shows neither who sent a signal nor the
// value that it was queued with, and does not hold signals back.

import process from 'node:process';
import { Alarm } from './pace.js';
import { numberOf, queue } from './posix-signals.js';
import { ownCredentials } from './unix-door.js';

/** Once listened to, always listened to: without a listener the next signal would end this process. */
const listening = new Set();
let takeNow = () => {};

function listenTo(name) {
  if (listening.has(name)) return;
  listening.add(name);
  process.on(`SIG${name}`, () => takeNow(name));
}

/** One conversation in signals: there is only one at a time. */
export class SignalTalk {
  #setting;
  #say;
  #alarm = new Alarm();
  #arrived = [];
  #waiter;
  #take = (name) => this.#came(name);
  hadSocket = false;
  saidClosed = false;

  /**
   * @param {{address: string, role: string, names: string[]}} setting with the names of all signals of the steps
   * @param {(step: string, members?: object) => void} say reports a step
   */
  constructor(setting, say) {
    this.#setting = setting;
    this.#say = say;
  }

  async open() {
    this.hadSocket = true;
    this.#say('created', { credentials: ownCredentials() });
    if (this.#setting.role !== 'server') return;
    takeNow = this.#take;
    this.#setting.names.forEach(listenTo);
    this.#say('bound', { local: [String(process.pid), 0] });
  }

  async send({ signal, value, count, gap }) {
    const pid = Number(this.#setting.address);
    for (let number = 0; number < count; number++) {
      if (gap && number > 0) await this.#alarm.sleep(gap);
      if (value === undefined) process.kill(pid, numberOf(signal));
      else queue(pid, numberOf(signal), value);
      this.#say('sent', { signal, ...(value !== undefined && { value }) });
    }
  }

  async receive({ signals, count, quiet }) {
    if (quiet !== undefined) await this.#silence(quiet);
    else for (let number = 0; number < count; number++) this.#say('received', { signal: await this.#next(signals) });
  }

  wait({ ms }) {
    return this.#alarm.sleep(ms);
  }

  async close() {
    this.saidClosed = true;
    this.#say('closed');
  }

  async release() {
    this.#alarm.clear();
    if (takeNow === this.#take) takeNow = () => {};
  }

  async #silence(ms) {
    const alarm = this.#alarm.sleep(ms);
    const signal = await Promise.race([this.#next(this.#setting.names), alarm]);
    this.#alarm.clear();
    this.#waiter = undefined;
    if (signal === undefined) this.#say('quiet');
    else this.#say('received', { signal });
  }

  #next(signals) {
    return new Promise((resolve) => {
      this.#waiter = { signals, resolve };
      this.#serve();
    });
  }

  #came(name) {
    if (!this.#setting.names.includes(name)) return;
    this.#arrived.push(name);
    this.#serve();
  }

  #serve() {
    if (!this.#waiter) return;
    const { signals, resolve } = this.#waiter;
    const at = this.#arrived.findIndex((name) => signals.includes(name));
    if (at < 0) return;
    this.#waiter = undefined;
    resolve(this.#arrived.splice(at, 1)[0]);
  }
}
