// Scripts over a shared memory object: how it is made, found and removed. The steps that follow are those of any stream.

import { Patience } from './looking.js';
import { makeMemory, openMemory, removeMemory } from './posix-files.js';
import { HEAD, Ring, isHere, isLaidOut, layOut, tellHere } from './ring.js';
import { StreamTalk } from './talk-stream.js';
import { ownCredentials } from './unix-door.js';

const CLIENT = 0;
const SERVER = 1;

/** One conversation over two rings. */
export class MemoryTalk extends StreamTalk {
  #patience = new Patience();
  #made = false;
  /** What is mapped before the connection stands. */
  #mapping;

  async listen() {
    const { address, room } = this.setting;
    this.#mapping = makeMemory(address, HEAD + 2 * room.octets);
    this.#made = true;
    this.created({ credentials: ownCredentials() });
    layOut(this.#mapping, room.octets);
    this.say('bound', { local: [address, 0] });
    this.say('listening', { local: [address, 0] });
  }

  async connect() {
    this.created({ credentials: ownCredentials() });
    await this.#patience.until(() => this.#find());
    tellHere(this.#mapping);
    this.#stands('connected', CLIENT);
  }

  async accept() {
    await this.#patience.until(() => isHere(this.#mapping) || undefined);
    this.#stands('accepted', SERVER);
  }

  shut() {
    this.#patience.end();
    this.#mapping?.release();
    this.#mapping = undefined;
    if (this.#made) removeMemory(this.setting.address);
    this.#made = false;
  }

  /** True once the server has laid it out: it has its size before its numbers. */
  #find() {
    this.#mapping ??= openMemory(this.setting.address, HEAD + 1);
    return this.#mapping && isLaidOut(this.#mapping) ? true : undefined;
  }

  #stands(what, side) {
    const ring = new Ring(this.#mapping, side, this.setting.lazy);
    this.#mapping = undefined;
    this.begin(ring);
    this.say(what);
  }
}
