// Scripts over anonymous pipes, which the server hands to the client over a socket of the Unix domain. The steps that
// follow are those of any stream.

import { Ends } from './ends.js';
import { StepFailure } from './faults.js';
import { Patience } from './looking.js';
import { pipe } from './posix-files.js';
import * as unix from './posix-sockets.js';
import { StreamTalk } from './talk-stream.js';
import { UnixDoor, ownCredentials } from './unix-door.js';

const ONE_OCTET = Buffer.from('p');

/** One conversation over one or two pipes. */
export class PipeTalk extends StreamTalk {
  #door = new UnixDoor(unix.STREAM);
  #patience = new Patience();
  /** Descriptors that are to be closed if nothing else becomes of them. */
  #loose = new Set();
  #readable = true;

  async listen() {
    const { address, backlog } = this.setting;
    this.#create();
    this.#door.bind(address);
    this.say('bound', { local: [address, 0] });
    this.#door.listen(backlog);
    this.say('listening', { local: [address, 0] });
  }

  async connect() {
    this.#create();
    await this.#door.connect(this.setting.address);
    const fd = this.#hold(this.#door.take());
    const ends = await this.#patience.until(() => this.#pipesFrom(fd));
    this.#drop(fd);
    this.#readable = ends.length > 1;
    this.#stands('connected', this.#readable ? ends[0] : undefined, ends.at(-1));
  }

  async accept() {
    const fd = this.#hold(await this.#door.accept());
    const up = pipe().map((end) => this.#hold(end));
    // Joined, both sides write into the same pipe, and there is no other.
    const down = this.setting.joined ? [undefined, up[1]] : pipe().map((end) => this.#hold(end));
    const theirs = this.setting.joined ? [up[1]] : [down[0], up[1]];
    await this.#patience.until(() => unix.sendWith(fd, ONE_OCTET, theirs));
    for (const end of this.setting.joined ? [fd] : [fd, ...theirs]) this.#drop(end);
    this.saidClosed = false;
    this.#stands('accepted', up[0], down[1]);
  }

  async receive(step) {
    if (!this.#readable) throw new StepFailure('other', 'no pipe came that could be read from');
    return super.receive(step);
  }

  shut() {
    this.#door.close();
    this.#patience.end();
    for (const fd of this.#loose) this.#drop(fd);
  }

  #create() {
    this.#door.create();
    this.created({ credentials: ownCredentials() });
  }

  #pipesFrom(fd) {
    const message = unix.receive(fd);
    if (message === undefined) return undefined;
    if (message.descriptors.length === 0) throw new StepFailure('ended', 'the server ended and passed no pipe');
    return message.descriptors.map((end) => this.#hold(end));
  }

  #stands(what, reading, writing) {
    this.#loose.delete(reading);
    this.#loose.delete(writing);
    this.begin(new Ends(reading, writing, this.setting.lazy));
    this.say(what);
  }

  #hold(fd) {
    this.#loose.add(fd);
    return fd;
  }

  #drop(fd) {
    this.#loose.delete(fd);
    unix.closeAll([fd]);
  }
}
