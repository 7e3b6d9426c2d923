// Scripts: runs the steps of one conversation in order, under their time limits. Knows no socket: what a step does
// stands with the transport.

import { STOPPED, StepFailure, describe } from './faults.js';
import { isLocal, localSetting, talkOf } from './machine.js';
import * as members from './members.js';
import { planOf } from './plan.js';
import { TcpTalk } from './talk-tcp.js';
import { UdpTalk } from './talk-udp.js';

const TALKS = {
  tcp: () => TcpTalk,
  udp: () => UdpTalk,
  multicast: async () => (await import('./talk-multicast.js')).GroupTalk,
};

/**
 * @param {object} command `script`
 * @param {import('./output.js').Report} report
 * @returns {{stop: () => void}}
 */
export function startScript(command, report) {
  const steps = planOf(command);
  const { transport } = command;
  const setting = {
    ...settingOf(command, steps),
    role: command.role,
    lazy: members.choice(command, 'reading', ['eager', 'lazy'], 'eager') === 'lazy',
    backlog: members.optionalWhole(command, 'backlog'),
    connects: steps.some((step) => step.do === 'connect'),
  };
  const script = new Script(steps, members.deadline(command), report);
  script.run(isLocal(transport) ? talkOf(transport, setting) : TALKS[transport](), setting);
  return script;
}

/** What the members of the command say that are not the same for all transports. */
function settingOf(command, steps) {
  if (isLocal(command.transport)) return localSetting(command, steps);
  const endpoint = members.endpoint(command);
  return command.transport === 'multicast' ? { ...endpoint, ...members.group(command, endpoint.family) } : endpoint;
}

class Script {
  #steps;
  #deadline;
  #report;
  #over = false;
  #cause;
  #onCut = () => {};

  constructor(steps, deadline, report) {
    this.#steps = steps;
    this.#deadline = deadline;
    this.#report = report;
  }

  /** Ends the conversation where it stands. */
  stop() {
    this.#cut(STOPPED);
  }

  /**
   * @param {Function | Promise<Function>} kind the class that holds the conversation
   * @param {object} setting
   */
  async run(kind, setting) {
    const timer = setTimeout(() => this.#cut(late('the deadline', this.#deadline)), this.#deadline);
    const Talk = await kind;
    // A step that was cut short may still come to its end; it has nothing more to say then.
    const talk = new Talk(setting, (step, more) => this.#over || this.#report.add(step, more));
    await this.#doAll(talk);
    clearTimeout(timer);
    await talk.release();
    if (talk.hadSocket && !talk.saidClosed) this.#report.add('closed');
    this.#report.done();
  }

  async #doAll(talk) {
    let at = -1;
    try {
      await this.#bounded(() => talk.open());
      for (at = 0; at < this.#steps.length; at++) {
        const step = this.#steps[at];
        await this.#bounded(() => talk[step.do](step), step.within);
      }
    } catch (error) {
      if (error instanceof StepFailure && error.error === 'timeout') talk.late?.();
      if (error !== STOPPED) this.#report.add('failed', { at, ...describe(error) });
    } finally {
      this.#over = true;
    }
  }

  /** Also before the first step, and between two of them. */
  #cut(cause) {
    this.#cause ??= cause;
    this.#onCut(cause);
  }

  /** Waits for one step, unless its time, the deadline or a `stop` comes first. */
  async #bounded(begin, within) {
    let timer;
    try {
      await new Promise((resolve, reject) => {
        if (this.#cause) throw this.#cause;
        this.#onCut = reject;
        if (within !== undefined) timer = setTimeout(() => reject(late('this step', within)), within);
        begin().then(resolve, reject);
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

const late = (what, limit) => new StepFailure('timeout', `${what} was not done within ${limit} ms`);
