// Scripts over what keeps records apart: what each step does, and what it reports. Knows neither time limits nor the order
// of steps, nor what carries the records: that is a subclass.

import { StepFailure, isReset } from './faults.js';
import { Alarm, Pace } from './pace.js';
import { tallyOf } from './tally.js';

/**
 * One conversation in records. Every step is a method by the step's name, and throws what made it fail.
 *
 * A subclass has `open()`, `connect(step)` and the like; `give(octets, step)`, done when the record is with the system;
 * `take(step)`, the next record as `{octets, ...}` or undefined at the end; `stopTaking()`, which ends a `take` that has
 * nothing yet; and `shut()`, which closes everything and removes the names.
 */
export class RecordTalk {
  #pace = new Pace();
  #alarm = new Alarm();
  hadSocket = false;
  saidClosed = false;

  /**
   * @param {{address: string, role: string, lazy: boolean}} setting
   * @param {(step: string, members?: object) => void} say reports a step
   */
  constructor(setting, say) {
    this.setting = setting;
    this.say = say;
  }

  async send(step) {
    for (let number = 0; number < step.count; number++) {
      if (step.gap && number > 0) await this.#alarm.sleep(step.gap);
      const octets = step.payload(number);
      await this.give(octets, step).catch((error) => this.#broke(error));
      this.say('sent', tallyOf(octets));
      await this.#pace.step(octets.length);
    }
  }

  async receive(step) {
    if (step.wants === 'quiet') await this.#silence(step);
    else for (let number = 0; number < step.count; number++) await this.#receiveOne(step);
    if (step.until === 'end') await this.#expectEnd(step);
  }

  async close() {
    await this.disconnect();
    this.saidClosed = true;
    this.say('closed');
  }

  wait({ ms }) {
    return this.#alarm.sleep(ms);
  }

  /** Closes what is open, whatever step it was left in. */
  async release() {
    this.#alarm.clear();
    await this.disconnect();
    await this.shut();
  }

  /** @param {object} [members] told with it */
  created(members) {
    this.hadSocket = true;
    this.say('created', members);
  }

  /** @returns {Promise<object>} what else there is to tell of a record. Nothing without a subclass that knows more. */
  async besides() {
    return {};
  }

  async #receiveOne(step) {
    const record = await this.take(step).catch((error) => this.#broke(error));
    if (record === undefined) this.#ended();
    await this.#received(record, step);
    await this.#pace.step(record.octets.length);
  }

  async #silence(step) {
    const alarm = this.#alarm.sleep(step.quiet).then(() => 'quiet');
    const record = await Promise.race([this.take(step), alarm]).catch((error) => this.#broke(error));
    this.#alarm.clear();
    this.stopTaking();
    if (record === 'quiet') this.say('quiet');
    else if (record === undefined) this.#ended();
    else await this.#received(record, step);
  }

  async #expectEnd(step) {
    const record = await this.take(step).catch((error) => this.#broke(error));
    if (record !== undefined) {
      await this.#received(record, step);
      throw new StepFailure('other', 'another record came where the end should have been');
    }
    this.say('end');
  }

  async #received(record, step) {
    this.say('received', { ...tallyOf(record.octets, step.keep), ...(await this.besides(record, step)) });
  }

  #ended() {
    this.say('end');
    throw new StepFailure('ended', 'the connection ended where a record should have been');
  }

  #broke(error) {
    if (isReset(error)) this.say('reset', { by: 'them' });
    throw error;
  }
}
