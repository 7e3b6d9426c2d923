// Scripts over connections of the Unix domain that keep records apart, with descriptors and credentials.

import { holding, reader } from './descriptors.js';
import { StepFailure } from './faults.js';
import { SEQPACKET, closeAll, markRecords, peerOf } from './posix-sockets.js';
import { Records } from './records.js';
import { RecordTalk } from './talk-records.js';
import { UnixDoor, ownCredentials } from './unix-door.js';

/** One conversation over SOCK_SEQPACKET. */
export class SeqpacketTalk extends RecordTalk {
  #door = new UnixDoor(SEQPACKET);
  #records;
  #reader = reader();

  async open() {
    const { address, backlog, role } = this.setting;
    if (role !== 'server') return;
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

  async give(octets, { descriptor }) {
    const fd = descriptor && holding(descriptor());
    try {
      await this.#records.send(octets, { descriptor: fd });
    } finally {
      if (fd !== undefined) closeAll([fd]);
    }
  }

  take() {
    return this.#records.next();
  }

  stopTaking() {
    this.#records.giveUpWaiting();
  }

  async besides({ descriptors }, { descriptor }) {
    const wanted = descriptor ? descriptors.shift() : undefined;
    closeAll(descriptors);
    if (!descriptor) return {};
    if (wanted === undefined) throw new StepFailure('ended', 'no descriptor came with this record');
    return { descriptor: await this.#reader.toEnd(wanted) };
  }

  async 'half-close'() {
    this.#records.endSending();
    this.say('half-closed');
  }

  disconnect() {
    this.#records?.close();
  }

  shut() {
    this.#door.close();
    this.#reader.stop();
  }

  #create() {
    this.#door.create();
    this.created({ credentials: ownCredentials() });
  }

  #stands(what, fd, { credentials }) {
    // Without the mark an empty record and the end look the same.
    markRecords(fd);
    this.#records = new Records(fd, this.setting.lazy, ({ octets, marked }) => octets.length === 0 && !marked);
    this.say(what, credentials && { credentials: peerOf(fd) });
  }
}
