// Scripts over multicast: UDP to a group, which a server joins and leaves. Knows what the system is asked of groups; all
// else is as over UDP.

import os from 'node:os';
import { StepFailure } from './faults.js';
import { UdpTalk } from './talk-udp.js';

/** One conversation with a group. */
export class GroupTalk extends UdpTalk {
  #setting;
  #say;
  #socket;

  /**
   * @param {object} setting as for UdpTalk, and `link`, `local`, `hops`, `source`
   * @param {(step: string, members?: object) => void} say reports a step
   */
  constructor(setting, say) {
    super(setting, say);
    this.#setting = setting;
    this.#say = say;
  }

  /** Node makes the system's socket when it is bound, and can ask nothing of it before. */
  async open() {
    const { address, port, local, role } = this.#setting;
    const datagrams = this.create(role === 'server');
    this.#socket = datagrams.socket;
    if (role === 'server') {
      await datagrams.bind(address, port);
      this.#member('add');
    } else {
      await datagrams.bind(local, 0);
      this.#aim();
      this.sendTo({ address, port });
    }
    this.sayLocal(datagrams.local());
  }

  async join() {
    this.#member('add');
    this.#say('joined');
  }

  async leave() {
    this.#member('drop');
    this.#say('left');
  }

  /** @param {'add' | 'drop'} change for one source alone, if there is one */
  #member(change) {
    const { address, source } = this.#setting;
    if (source === undefined) this.#socket[`${change}Membership`](address, this.#link());
    else this.#socket[`${change}SourceSpecificMembership`](source, address, this.#link());
  }

  /** Datagrams leave by the interface, go as far as they are to, and are not heard here. */
  #aim() {
    const { hops } = this.#setting;
    this.#socket.setMulticastInterface(this.#link());
    this.#socket.setMulticastLoopback(false);
    if (hops !== undefined) this.#socket.setMulticastTTL(hops);
  }

  /** The interface as Node wants it named: by an address of its own over IPv4, by a scope over IPv6. */
  #link() {
    const { family, link, local } = this.#setting;
    if (family === 4) return local;
    // Node takes a name that is none for any interface.
    if (!Object.hasOwn(os.networkInterfaces(), link)) throw new StepFailure('other', `there is no interface '${link}'`);
    return `::%${link}`;
  }
}
