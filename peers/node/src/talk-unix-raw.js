// Scripts over stream sockets of the Unix domain where node:net does not reach: abstract names, descriptors, credentials.
// The steps that follow are those of any stream.

import { holding, reader } from './descriptors.js';
import { RawSocket } from './raw-socket.js';
import { STREAM, peerOf } from './posix-sockets.js';
import { StreamTalk } from './talk-stream.js';
import { UnixDoor, ownCredentials } from './unix-door.js';

/** One conversation over a socket that is known by its descriptor. */
export class RawUnixTalk extends StreamTalk {
  #door = new UnixDoor(STREAM);
  #socket;
  #reader = reader();

  async listen() {
    const { address, backlog } = this.setting;
    this.#create();
    this.#door.bind(address);
    this.say('bound', { local: [address, 0] });
    this.#door.listen(backlog);
    this.say('listening', { local: [address, 0] });
  }

  async connect(step) {
    this.#create();
    await this.#door.connect(this.setting.address);
    this.#stands('connected', this.#door.take(), step);
  }

  async accept(step) {
    const fd = await this.#door.accept();
    this.saidClosed = false;
    this.#stands('accepted', fd, step);
  }

  /** @param {Buffer} octets that a descriptor holds which goes with the next octet */
  attach(octets) {
    this.#socket.pass(holding(octets));
  }

  async besides({ descriptor }) {
    if (!descriptor) return undefined;
    const fd = await this.readOn(this.#socket.descriptor());
    return { descriptor: await this.#reader.toEnd(fd) };
  }

  shut() {
    this.#door.close();
    this.#reader.stop();
  }

  async release() {
    await super.release();
    this.#socket?.closeUnclaimed();
  }

  #create() {
    this.#door.create();
    this.created({ credentials: ownCredentials() });
  }

  #stands(what, fd, { credentials }) {
    this.#socket?.closeUnclaimed();
    this.#socket = new RawSocket(fd, this.setting.lazy);
    this.begin(this.#socket);
    this.say(what, credentials && { credentials: peerOf(fd) });
  }
}
