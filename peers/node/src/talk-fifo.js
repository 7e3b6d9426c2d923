// Scripts over a pair of named FIFOs. No open ever waits in the system: a reader's succeeds at once, a writer's is tried
// until there is a reader. The steps that follow are those of any stream.

import fs from 'node:fs';
import { Ends } from './ends.js';
import { StepFailure } from './faults.js';
import { Patience } from './looking.js';
import { firstOf, makeFifo, openReading, openWriting } from './posix-files.js';
import { closeAll } from './posix-sockets.js';
import { StreamTalk } from './talk-stream.js';
import { ownCredentials, removeName } from './unix-door.js';

const UP = '.up';
const DOWN = '.down';

/** One conversation over two FIFOs. */
export class FifoTalk extends StreamTalk {
  #patience = new Patience();
  #made = [];
  /** What is open before both FIFOs are. */
  #opened = [];

  async listen() {
    const { address } = this.setting;
    for (const way of [UP, DOWN]) this.#make(address + way);
    this.created({ credentials: ownCredentials() });
    this.say('bound', { local: [address, 0] });
    this.say('listening', { local: [address, 0] });
  }

  async connect() {
    const { address } = this.setting;
    this.created({ credentials: ownCredentials() });
    const writing = await this.#openWriting(address + UP);
    const reading = this.#openReading(address + DOWN);
    const first = await this.#patience.until(() => firstOf(reading));
    this.#stands('connected', reading, writing, first);
  }

  async accept() {
    const { address } = this.setting;
    const reading = this.#openReading(address + UP);
    const writing = await this.#openWriting(address + DOWN);
    this.saidClosed = false;
    this.#stands('accepted', reading, writing);
  }

  shut() {
    this.#patience.end();
    closeAll(this.#opened.splice(0));
    for (const path of this.#made.splice(0)) removeName(path);
  }

  #make(path) {
    makeFifo(path);
    this.#made.push(path);
  }

  #openReading(path) {
    return this.#hold(openReading(path));
  }

  async #openWriting(path) {
    return this.#hold(await this.#patience.until(() => openWriting(path)));
  }

  #hold(fd) {
    this.#opened.push(fd);
    if (!fs.fstatSync(fd).isFIFO()) throw new StepFailure('other', 'what has this name is no FIFO');
    return fd;
  }

  #stands(what, reading, writing, first) {
    this.#opened = [];
    this.begin(new Ends(reading, writing, this.setting.lazy, first));
    this.say(what);
  }
}
