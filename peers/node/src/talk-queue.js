// Scripts over a pair of POSIX message queues: names, priorities, and calls that do not wait.

import { StepFailure } from './faults.js';
import { Patience } from './looking.js';
import { Queue, removeQueue } from './posix-queues.js';
import { RecordTalk } from './talk-records.js';
import { ownCredentials } from './unix-door.js';

const UP = '-up';
const DOWN = '-down';

/** One conversation over two queues. */
export class QueueTalk extends RecordTalk {
  #patience = new Patience();
  #made = [];
  #sending;
  #receiving;

  async open() {
    const { address, role } = this.setting;
    if (role !== 'server') return;
    this.#receiving = this.#make(address + UP);
    this.#sending = this.#make(address + DOWN);
    this.created({ credentials: ownCredentials() });
    this.say('bound', { local: [address, 0] });
  }

  async connect() {
    const { address } = this.setting;
    this.created({ credentials: ownCredentials() });
    this.#sending = new Queue(address + UP);
    this.#receiving = new Queue(address + DOWN);
    this.say('connected');
  }

  async give(octets, { priority, now }) {
    await this.#patience.until(() => this.#sending.send(octets, priority) ?? (now ? refuse('full') : undefined));
  }

  take({ now }) {
    return this.#patience.until(() => this.#receiving.receive() ?? (now ? refuse('empty') : undefined));
  }

  stopTaking() {
    this.#patience.giveUp();
  }

  async besides({ priority }) {
    return { priority };
  }

  async wait(step) {
    if (step.messages === undefined) await super.wait(step);
    else await this.#patience.until(() => this.#receiving.held >= step.messages || undefined);
  }

  disconnect() {
    this.#patience.end();
    this.#sending?.close();
    this.#receiving?.close();
    this.#sending = undefined;
    this.#receiving = undefined;
  }

  shut() {
    for (const name of this.#made.splice(0)) removeQueue(name);
  }

  #make(name) {
    const queue = new Queue(name, this.setting.room);
    this.#made.push(name);
    return queue;
  }
}

function refuse(error) {
  throw new StepFailure(error, `EAGAIN: the queue is ${error}`);
}
