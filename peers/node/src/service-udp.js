// The small services of RFC 862 to 868 over UDP. Owns their sockets; knows neither commands nor other services.

import dgram from 'node:dgram';
import { pair } from './addresses.js';
import { chargenDatagram, daytime, quote, time } from './answers.js';
import { describe } from './faults.js';
import * as members from './members.js';
import { tallyOf } from './tally.js';

/** What each service answers to a datagram; undefined: nothing. */
const ANSWERS = {
  echo: (octets) => octets,
  discard: () => undefined,
  chargen: chargenDatagram,
  qotd: quote,
  daytime,
  time,
};

/** The names of the services that `serveUdp` has. */
export const UDP_SERVICES = Object.keys(ANSWERS);

/**
 * @param {object} command `serve`
 * @param {import('./output.js').Report} report
 * @returns {{stop: () => void}}
 */
export const serveUdp = (command, report) => serveUdpWith(ANSWERS[command.service], command, report);

/**
 * @param {(octets: Buffer, sender: object, say: (step: string, members: object) => void) => Buffer | undefined} answer to a
 *   datagram, undefined: nothing; `say` reports a further step
 * @param {object} command `serve`
 * @param {import('./output.js').Report} report
 * @returns {{stop: () => void}}
 */
export function serveUdpWith(answer, command, report) {
  const { address, port, family } = members.endpoint(command);
  const service = new UdpService(`udp${family}`, answer, command.report !== 'none', report);
  service.bind(address, port);
  return service;
}

class UdpService {
  #socket;
  #answer;
  #reporting;
  #report;
  #bound = false;
  #closing = false;
  #say = (step, members) => this.#reporting && this.#report.add(step, members);

  constructor(type, answer, reporting, report) {
    this.#socket = dgram.createSocket({ type, ipv6Only: type === 'udp6' });
    this.#answer = answer;
    this.#reporting = reporting;
    this.#report = report;
    report.add('created');
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('message', (octets, sender) => this.#take(octets, sender));
  }

  bind(address, port) {
    this.#socket.bind({ address, port, exclusive: true }, () => {
      this.#bound = true;
      this.#report.add('bound', { local: pair(this.#socket.address()) });
    });
  }

  stop() {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.close(() => {
      this.#report.add('closed');
      this.#report.done();
    });
  }

  /** Without `bound` there is no service; afterwards an error concerns one datagram only. */
  #failed(error) {
    this.#report.add('failed', { at: -1, ...describe(error) });
    if (!this.#bound) this.stop();
  }

  #take(octets, sender) {
    if (this.#reporting) this.#tell('received', octets, sender);
    const answer = this.#answer(octets, sender, this.#say);
    if (answer) this.#send(answer, sender);
  }

  #send(octets, sender) {
    this.#socket.send(octets, sender.port, sender.address, (error) => {
      if (this.#closing || !this.#reporting) return;
      if (error) this.#report.add('failed', { at: -1, ...describe(error) });
      else this.#tell('sent', octets, sender);
    });
  }

  #tell(step, octets, sender) {
    this.#report.add(step, { ...tallyOf(octets), remote: pair(sender) });
  }
}
