// Scripts over streams: what each step does once the connection stands, and what it reports. Knows neither time limits nor
// the order of steps, nor how a connection comes about: that is a subclass.

import { StepFailure, isReset } from './faults.js';
import { Alarm, Pace } from './pace.js';
import { Stream } from './stream.js';
import { Tally } from './tally.js';
import { wantedBy } from './wanted.js';

/**
 * One conversation over a stream. Every step is a method by the step's name, and throws what made it fail.
 *
 * A subclass has `listen()`, `connect(step)` and `accept(step)`, which end with `begin`, and `shut()`, which closes and
 * removes what a server has beside its connection.
 */
export class StreamTalk {
  #wanted;
  #stream;
  #pace = new Pace();
  #alarm = new Alarm();
  hadSocket = false;
  saidClosed = false;

  /**
   * @param {{address: string, port: number, role: string, lazy: boolean, backlog?: number}} setting
   * @param {(step: string, members?: object) => void} say reports a step
   * @param {number[]} [writes] the sizes of the write calls of a `send` that does not say
   */
  constructor(setting, say, writes = [Infinity]) {
    this.setting = setting;
    this.say = say;
    this.writes = writes;
  }

  /** What comes before the first step: a server's listener. */
  async open() {
    if (this.setting.role === 'server') await this.listen();
  }

  /** @param {import('node:stream').Duplex} socket that the steps talk over from now on */
  begin(socket) {
    this.#stream = new Stream(socket, this.setting.lazy);
  }

  async send({ payload, writes = this.writes, gap, count, descriptor }) {
    for (let number = 0; number < count; number++) {
      if (gap && number > 0) await this.#alarm.sleep(gap);
      if (descriptor) this.attach(descriptor());
      await this.#sendOne(payload(number), writes, gap);
    }
  }

  async receive(step) {
    const wanted = wantedBy(step);
    if (step.wants !== 'quiet') this.#wanted = wanted;
    const outcome = await (step.wants === 'quiet' ? this.#silence(step.quiet, wanted) : this.#stream.read(wanted));
    if (outcome === 'quiet') this.say('quiet');
    else if (outcome === 'done') await this.#received(step, wanted);
    else if (outcome === 'ended') await this.#endCame(step, wanted);
    else {
      if (wanted.tally.octets > 0) this.say('received', wanted.tally.result());
      this.#broke(this.#stream.error);
    }
    this.#wanted = undefined;
  }

  /** Tells what came of a `receive` that is out of time. */
  late() {
    if (this.#wanted?.tally.octets > 0) this.say('received', this.#wanted.tally.result());
  }

  async 'half-close'() {
    await this.#stream.halfClose().catch((error) => this.#broke(error));
    this.say('half-closed');
  }

  async close() {
    if (this.#stream) await this.#stream.close();
    else await this.shut();
    this.#sayClosed();
  }

  async reset() {
    await this.#stream.reset();
    this.say('reset', { by: 'us' });
    this.#sayClosed();
  }

  wait({ ms }) {
    return this.#alarm.sleep(ms);
  }

  /** Closes what is open, whatever step it was left in. */
  async release() {
    this.#alarm.clear();
    await this.shut();
    await this.#stream?.close();
  }

  /** @param {object} [members] told with it */
  created(members) {
    this.hadSocket = true;
    this.say('created', members);
  }

  /**
   * What else there is to tell of a `receive` that is done. None without a subclass that knows more.
   *
   * @returns {Promise<object> | undefined}
   */
  besides() {
    return undefined;
  }

  /**
   * @template T
   * @param {Promise<T>} found what comes beside the octets
   * @returns {Promise<T>}
   */
  readOn(found) {
    return this.#stream.readOn(found);
  }

  async #sendOne(octets, writes, gap) {
    const tally = new Tally();
    for (const piece of pieces(octets, writes)) {
      if (gap && tally.octets > 0) await this.#alarm.sleep(gap);
      await this.#stream.write(piece).catch((error) => this.#broke(error));
      tally.add(piece);
      await this.#pace.step(piece.length);
    }
    this.say('sent', tally.result());
  }

  async #silence(ms, wanted) {
    const alarm = this.#alarm.sleep(ms).then(() => 'quiet');
    const outcome = await Promise.race([this.#stream.read(wanted), alarm]);
    this.#alarm.clear();
    this.#stream.giveUpReading();
    return outcome;
  }

  async #received(step, { tally }) {
    const more = await this.besides(step);
    this.#wanted = undefined;
    this.say('received', { ...tally.result(), ...more });
  }

  async #endCame(step, wanted) {
    if (step.until === 'end') await this.#received(step, wanted);
    else if (step.wants !== 'quiet') this.say('received', wanted.tally.result());
    this.say('end');
    const { octets } = wanted.tally;
    if (step.until !== 'end') throw new StepFailure('ended', `the stream ended after ${octets} octets of this step`);
  }

  #broke(error) {
    if (isReset(error)) this.say('reset', { by: 'them' });
    throw error;
  }

  #sayClosed() {
    this.saidClosed = true;
    this.say('closed');
  }
}

/** Cuts octets into the pieces of single write calls; the last size goes on until the end. */
function* pieces(octets, sizes) {
  for (let start = 0, call = 0; start < octets.length; call++) {
    const size = sizes[Math.min(call, sizes.length - 1)];
    yield octets.subarray(start, start + size);
    start += size;
  }
}
