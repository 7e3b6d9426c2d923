// Scripts over datagram sockets of the Unix domain: names, and who is answered.

import { StepFailure } from './faults.js';
import { DATAGRAM, nameOf } from './posix-sockets.js';
import { Records } from './records.js';
import { RecordTalk } from './talk-records.js';
import { UnixDoor, ownCredentials } from './unix-door.js';

/** Behind the server's address: the client's. */
const CLIENT = '.client';

/** One conversation over a datagram socket. */
export class DatagramTalk extends RecordTalk {
  #door = new UnixDoor(DATAGRAM);
  #records;
  #partner;
  #isServer = this.setting.role === 'server';

  async open() {
    if (!this.#isServer) return;
    this.#bind(this.setting.address);
    this.say('bound', { local: [this.setting.address, 0] });
    this.#begin();
  }

  async connect() {
    const { address } = this.setting;
    this.#bind(address + CLIENT);
    await this.#door.connect(address);
    this.#partner = nameOf(address);
    this.say('connected');
    this.#begin();
  }

  async give(octets) {
    if (!this.#partner) throw new StepFailure('other', 'no datagram came yet that could be answered');
    await this.#records.send(octets, this.#isServer ? { to: this.#partner } : {});
  }

  async take() {
    const record = await this.#records.next();
    if (this.#isServer) this.#partner = record.sender;
    return record;
  }

  stopTaking() {
    this.#records.giveUpWaiting();
  }

  disconnect() {
    this.#records?.close();
  }

  shut() {
    this.#door.close();
  }

  #bind(address) {
    this.#door.create();
    this.created({ credentials: ownCredentials() });
    this.#door.bind(address);
  }

  #begin() {
    this.#records = new Records(this.#door.take(), this.setting.lazy, () => false);
  }
}
