// Scripts over UDP: what each step does, and what it reports. Knows neither time limits nor the order of steps.

import { pair } from './addresses.js';
import { DOOR, Datagrams } from './datagrams.js';
import { StepFailure } from './faults.js';
import { Alarm } from './pace.js';
import { tallyOf } from './tally.js';

/** One conversation over UDP. Every step is a method by the step's name, and throws what made it fail. */
export class UdpTalk {
  #setting;
  #say;
  #datagrams;
  #partner;
  #saidLocal = false;
  #alarm = new Alarm();
  hadSocket = false;
  saidClosed = false;

  /**
   * @param {{address: string, port: number, family: 4 | 6, role: string, connects: boolean}} setting
   * @param {(step: string, members?: object) => void} say reports a step
   */
  constructor(setting, say) {
    this.#setting = setting;
    this.#say = say;
  }

  /** What comes before the first step: the socket, unless the step `connect` makes it; a server's is bound, too. */
  async open() {
    const { address, port, role, connects } = this.#setting;
    if (connects) return;
    this.create();
    if (role === 'server') {
      await this.#datagrams.bind(address, port);
      this.sayLocal(this.#datagrams.local());
    } else this.sendTo({ address, port });
  }

  async connect() {
    const { address, port } = this.#setting;
    this.create();
    this.#say('connecting', { remote: [address, port] });
    await this.#datagrams.connect(address, port);
    this.#partner = { address, port };
    this.#saidLocal = true;
    this.#say('connected', { local: this.#datagrams.local(), remote: [address, port] });
  }

  async send({ payload, gap, count }) {
    if (!this.#partner) throw new StepFailure('other', 'no datagram came yet that could be answered');
    for (let number = 0; number < count; number++) {
      if (gap && number > 0) await this.#alarm.sleep(gap);
      await this.#sendOne(payload(number));
    }
  }

  async receive(step) {
    if (step.wants === 'quiet') await this.#silence(step);
    else for (let number = 0; number < step.count; number++) this.#received(await this.#datagrams.next(), step.keep);
  }

  async close() {
    await this.#datagrams.close();
    this.saidClosed = true;
    this.#say('closed');
  }

  wait({ ms }) {
    return this.#alarm.sleep(ms);
  }

  /** Closes what is open, whatever step it was left in. */
  async release() {
    this.#alarm.clear();
    await this.#datagrams?.close();
  }

  /**
   * @param {boolean} [shared] whether others may be bound to the same address and port
   * @returns {Datagrams} the socket of this conversation, whose creation is told
   */
  create(shared = false) {
    const { family, connects } = this.#setting;
    this.#datagrams = new Datagrams(`udp${family}`, connects, shared);
    this.hadSocket = true;
    this.#say('created');
    return this.#datagrams;
  }

  /** @param {{address: string, port: number}} partner where `send` goes from now on */
  sendTo(partner) {
    this.#partner = partner;
  }

  /** @param {[string, number]} local what the socket is bound to */
  sayLocal(local) {
    this.#saidLocal = true;
    this.#say('bound', { local });
  }

  async #sendOne(octets) {
    await DOOR.pass();
    await this.#datagrams.send(octets, this.#partner);
    this.#say('sent', { ...tallyOf(octets), remote: pair(this.#partner) });
    if (!this.#saidLocal) this.sayLocal(await this.#datagrams.localTowards(this.#partner));
  }

  #received({ octets, sender }, keep) {
    if (this.#setting.role === 'server') this.#partner = sender;
    this.#say('received', { ...tallyOf(octets, keep), remote: pair(sender) });
  }

  async #silence({ quiet, keep }) {
    const alarm = this.#alarm.sleep(quiet);
    const datagram = await Promise.race([this.#datagrams.next(), alarm]);
    this.#alarm.clear();
    this.#datagrams.giveUpWaiting();
    if (datagram) this.#received(datagram, keep);
    else this.#say('quiet');
  }
}
