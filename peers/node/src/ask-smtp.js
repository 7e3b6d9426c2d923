// SMTP as a client, with the connection of the npm package nodemailer: one session, its messages one after the other.

import net from 'node:net';
import { Asking, asker } from './asking.js';
import { STOPPED, StepFailure, badCommand, describe } from './faults.js';
import * as members from './members.js';
import { load } from './packages.js';
import { payloadOf } from './payload.js';
import { tallyOf } from './tally.js';

const NAME = 'client.example';
/** The library must not end a conversation by a clock of its own: this is the longest time that it can wait. */
const PATIENT = 2 ** 31 - 1;
const CLOCKS = { connectionTimeout: PATIENT, greetingTimeout: PATIENT, socketTimeout: PATIENT };
const UNSAFE = /[\r\n<>]/;
const EIGHT_BITS = /[\x80-\xff]/;

const start = asker((remote, report) => new Session(remote, report), messageOf, 'messages');

/** Carries the command `ask` out. */
export function askSmtp(command, report) {
  load('nodemailer/lib/smtp-connection');
  return start(command, report);
}

function messageOf(raw) {
  const to = raw.recipients;
  if (!Array.isArray(to) || to.length === 0) throw badCommand("'recipients' must be a list of texts, with one at least");
  const addresses = [members.text(raw, 'from'), ...to.map((_, index) => members.text(to, index))];
  if (addresses.some((address) => UNSAFE.test(address))) throw badCommand('an address must not hold CR, LF, < or >');
  return { from: raw.from, to, octets: payloadOf(raw.content)() };
}

class Session extends Asking {
  #socket;
  #smtp;
  #cause;
  #begun = false;
  #over = false;
  #stale = false;
  #onOver = () => {};

  /** Up to the answer to EHLO, or to HELO. */
  begin(first) {
    return this.#call((resolve) => {
      const [host, port] = this.remote;
      this.#socket = net.connect({ host, port, noDelay: true });
      this.follow(this.#socket);
      // The library puts its own words in the place of the system's.
      this.#socket.on('error', (error) => (this.#cause ??= new StepFailure(...Object.values(describe(error)))));
      this.#socket.once('error', () => this.cut(this.#cause));
      this.#socket.once('connect', () => this.#greet(resolve));
    }).catch((error) => this.#noSession(error, first));
  }

  async ask({ from, to, octets }) {
    if (this.#stale) await this.#call((resolve, reject) => this.#smtp.reset(answering(resolve, reject)));
    // The library notes in the envelope who was refused.
    const envelope = { from, to, use8BitMime: EIGHT_BITS.test(octets.toString('latin1')) };
    const status = await this.#send(envelope, octets);
    const refused = (envelope.rejectedErrors ?? []).map(({ recipient, responseCode }) => [recipient, responseCode]);
    this.say('mail', { status, ...(refused.length > 0 && { refused }), ...tallyOf(octets) });
  }

  /** What was delivered is delivered, however the session ends. */
  finish() {
    return new Promise((resolve, reject) => {
      this.cut = (error) => (error === STOPPED || error.error === 'timeout' ? reject(error) : resolve());
      this.#onOver = resolve;
      if (this.#over) resolve();
      else this.#smtp.quit();
    });
  }

  destroy(sockets) {
    this.#smtp?.close();
    for (const socket of sockets) socket.destroy();
  }

  #greet(resolve) {
    const SMTPConnection = load('nodemailer/lib/smtp-connection');
    const connection = this.#socket;
    this.#smtp = new SMTPConnection({ connection, name: NAME, secure: false, ignoreTLS: true, logger: false, ...CLOCKS });
    this.#smtp.on('error', (error) => {
      this.cut(this.#cause ?? (isEnd(error) ? new StepFailure('ended', error.message) : error));
    });
    this.#smtp.on('end', () => this.#ended());
    this.#smtp.connect(() => {
      this.#begun = true;
      resolve();
    });
  }

  /** A reply that opens no session decides about the first message. */
  #noSession(error, { octets }) {
    if (this.#begun || error.responseCode === undefined) throw error;
    this.say('mail', { status: error.responseCode, ...tallyOf(octets) });
    throw STOPPED;
  }

  async #send(envelope, octets) {
    try {
      await this.#call((resolve, reject) => this.#smtp.send(envelope, octets, answering(resolve, reject)));
      return 250;
    } catch (error) {
      if (error.responseCode === undefined || error.code === 'EPROTOCOL') throw error;
      // Where MAIL was taken and no content sent, the transaction is still open.
      this.#stale = error.command === 'RCPT TO' || (error.command === 'DATA' && error.code === 'EENVELOPE');
      return error.responseCode;
    }
  }

  #ended() {
    this.#over = true;
    this.#onOver();
    this.cut(new StepFailure('ended', 'the server ended the connection'));
  }

  #call(begin) {
    return new Promise((resolve, reject) => {
      this.cut = reject;
      if (this.#over) reject(this.#cause ?? new StepFailure('ended', 'the server has ended the connection'));
      else begin(resolve, reject);
    });
  }
}

/** Whether the library saw the connection end, without a reply that says why. */
const isEnd = ({ code, responseCode }) => code === 'ECONNECTION' && responseCode === undefined;

/** A callback of the library as the ends of a promise. */
const answering = (resolve, reject) => (error, found) => (error ? reject(error) : resolve(found));
