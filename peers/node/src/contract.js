// The contract: the control channel, the handshake, and which command goes where. Knows no protocol.

import os from 'node:os';
import process from 'node:process';
import { askHttp } from './ask-http.js';
import { familiesHere } from './families.js';
import { CommandFault, badCommand, unsupported } from './faults.js';
import { loadTcp } from './load.js';
import { transportsHere } from './machine.js';
import * as members from './members.js';
import { MUTE, Report, now } from './output.js';
import { versionOf, versionsHere } from './packages.js';
import { startScript } from './script.js';
import { serveHttp } from './service-http.js';
import { TCP_SERVICES, serveTcp } from './service-tcp.js';
import { UDP_SERVICES, serveUdp } from './service-udp.js';

const VERSION = 1;
const MAX_LINE = 1024 * 1024;
const NEWLINE = 10;

/**
 * What can be started: ability -> function of the command and its Report. It throws a CommandFault before anything
 * is reported, or returns something whose `stop()` makes it end and report `done`; either of them now or as a promise.
 */
const ABILITIES = {
  ...abilities('serve', TCP_SERVICES, 'tcp', serveTcp),
  ...abilities('serve', UDP_SERVICES, 'udp', serveUdp),
  'serve http/tcp': serveHttp,
  'script client/tcp': startScript,
  'script client/udp': startScript,
  'script server/tcp': startScript,
  'script server/udp': startScript,
  'ask http/tcp': askHttp,
  'script client/multicast': startScript,
  'script server/multicast': startScript,
  'ask dns/udp': later(() => import('./ask-dns.js'), 'askDns'),
  'serve rtp/udp': later(() => import('./service-rtp.js'), 'serveRtp'),
  'ask rtp/udp': later(() => import('./ask-rtp.js'), 'askRtp'),
  'load tcp': loadTcp,
};

/** What an npm package carries: ability, package, and what is started. */
const PACKAGED = [
  ['serve smtp/tcp', 'smtp-server', later(() => import('./service-smtp.js'), 'serveSmtp')],
  ['ask smtp/tcp', 'nodemailer', later(() => import('./ask-smtp.js'), 'askSmtp')],
  ['serve ftp/tcp', 'ftp-srv', later(() => import('./service-ftp.js'), 'serveFtp')],
  ['ask ftp/tcp', 'basic-ftp', later(() => import('./ask-ftp.js'), 'askFtp')],
  ['serve dns/udp', 'dns-packet', later(() => import('./service-dns.js'), 'serveDnsUdp')],
  ['serve dns/tcp', 'dns-packet', later(() => import('./service-dns.js'), 'serveDnsTcp')],
];

/** Everything that there is without another HTTP stack, as far as this system and the packages here carry it. */
function everything() {
  const can = { ...ABILITIES };
  const lacks = {};
  const offer = (ability, start, why) => (why === undefined ? (can[ability] = start) : (lacks[ability] = why));
  for (const [transport, why] of transportsHere()) {
    for (const role of ['client', 'server']) offer(`script ${role}/${transport}`, startScript, why);
  }
  for (const [ability, name, start] of PACKAGED) {
    offer(ability, start, versionOf(name) === undefined ? `the npm package ${name} is not there` : undefined);
  }
  const { uv, llhttp, openssl } = process.versions;
  return { abilities: can, lacks, libraries: { uv, llhttp, openssl, ...versionsHere() } };
}

/** What is asked for over UDP. */
const OVER_UDP = ['dns', 'rtp'];

/** Which ability a command needs. */
const NEEDS = {
  serve: (command) => `serve ${members.text(command, 'service')}/${members.text(command, 'transport')}`,
  script: (command) => `script ${members.text(command, 'role')}/${members.text(command, 'transport')}`,
  ask: (command) => `ask ${members.text(command, 'service')}/${OVER_UDP.includes(command.service) ? 'udp' : 'tcp'}`,
  load: () => 'load tcp',
};

/** What few conversations need is loaded for the first of them. */
function later(load, name) {
  return async (...values) => (await load())[name](...values);
}

function abilities(verb, services, transport, start) {
  return Object.fromEntries(services.map((service) => [`${verb} ${service}/${transport}`, start]));
}

/** Takes the octets of the control channel, and keeps what runs by the id of its command. */
export class Contract {
  #output;
  #greeted = false;
  #running = new Map();
  #lines = new Lines((line) => this.#take(line));
  #decoder = new TextDecoder('utf-8', { fatal: true });

  #abilities;
  #about;

  /**
   * @param {import('./output.js').Output} output
   * @param {{abilities: object, libraries: object, lacks?: object}} [stack] another HTTP stack, which is then all there is
   */
  constructor(output, { abilities, ...about } = everything()) {
    this.#output = output;
    this.#abilities = abilities;
    this.#about = about;
  }

  /** @param {Buffer} octets of the control channel, cut anywhere */
  feed(octets) {
    this.#lines.feed(octets);
  }

  /** @returns {Promise<void>} when everything that ran has ended and said so */
  async stopAll() {
    const ends = [...this.#running.values()].map((entry) => {
      const ended = new Promise((resolve) => (entry.onEnd = resolve));
      entry.stop();
      return ended;
    });
    await Promise.all(ends);
  }

  #take(line) {
    let id = '';
    try {
      const command = this.#parse(line);
      if (typeof command.id === 'string') id = command.id;
      this.#carryOut(command);
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #refuse(id, error) {
    if (!(error instanceof CommandFault)) console.error(error);
    const fault = error instanceof CommandFault ? error.fault : 'unsupported';
    this.#output.event({ event: 'error', id, fault, says: String(error.message) });
  }

  #parse(line) {
    if (line === undefined) throw badCommand(`a line is longer than ${MAX_LINE} octets`);
    let command;
    try {
      command = JSON.parse(this.#decoder.decode(line));
    } catch (error) {
      throw badCommand(`this line is no JSON in UTF-8: ${error.message}`);
    }
    if (!members.isObject(command)) throw badCommand('a command must be a JSON object');
    return command;
  }

  #carryOut(command) {
    const verb = members.text(command, 'do');
    if (verb === 'hello') {
      members.whole(command, 'contract');
      this.#greeted = true;
      this.#hello();
    }
    else if (!this.#greeted) return; // before it is greeted a peer carries nothing out
    else if (verb === 'stop') this.#stop(members.text(command, 'id'));
    else if (verb === 'flush') this.#flush(members.text(command, 'id'));
    else if (Object.hasOwn(NEEDS, verb)) this.#start(command, NEEDS[verb](command));
    else throw unsupported(`no command is called '${verb}'`);
  }

  #start(command, ability) {
    const why = this.#about.lacks?.[ability] ?? `this peer cannot '${ability}'`;
    if (!Object.hasOwn(this.#abilities, ability)) throw unsupported(why);
    const id = members.text(command, 'id');
    if (this.#running.has(id)) throw badCommand(`'${id}' is running already`);
    const entry = { stop: undefined, onEnd: undefined };
    const onDone = () => {
      this.#running.delete(id);
      entry.onEnd?.();
    };
    const report = new Report(this.#output, id, { onDone });
    const connections = connectionReports(this.#output, id, command.report === 'none');
    const started = this.#abilities[ability](command, report, connections);
    this.#running.set(id, entry);
    if (started instanceof Promise) this.#startLater(started, entry, (error) => this.#refuse(id, error), onDone);
    else entry.stop = () => started.stop();
  }

  /** A `stop` that comes before it is started is carried out then. */
  #startLater(starting, entry, refuse, onDone) {
    let stopped = false;
    entry.stop = () => (stopped = true);
    const onError = (error) => {
      refuse(error);
      onDone();
    };
    starting.then((started) => {
      entry.stop = () => started.stop();
      if (stopped) started.stop();
    }, onError);
  }

  /** What is over already needs no stopping: `stop` and `done` may cross. */
  #stop(id) {
    this.#running.get(id)?.stop();
  }

  /** What the system has ready counts as happened: the event loop looks at every socket once more first. */
  #flush(id) {
    setImmediate(() =>
      setImmediate(() => {
        this.#output.release();
        this.#output.event({ event: 'flushed', id });
      }),
    );
  }

  /** Whatever version was asked for: the answer names the one that is spoken here. */
  async #hello() {
    const families = await familiesHere();
    this.#output.event({ event: 'hello', contract: VERSION, ...this.#description(), families, t: now() });
  }

  #description() {
    const { node, v8 } = process.versions;
    return {
      peer: 'node',
      language: `JavaScript (Node.js ${node}, V8 ${v8})`,
      system: `${os.type()} ${os.release()} ${os.machine?.() ?? process.arch}`,
      stack: os.type(),
      can: Object.keys(this.#abilities),
      ...this.#about,
    };
  }
}

/** Makes the Report of each connection of a service, numbered from 1. */
function connectionReports(output, id, mute) {
  let conn = 0;
  return mute ? () => MUTE : () => new Report(output, id, { conn: ++conn });
}

/** Cuts octets into lines; one that is too long is passed on as undefined, once. */
class Lines {
  #onLine;
  #pieces = [];
  #length = 0;

  constructor(onLine) {
    this.#onLine = onLine;
  }

  feed(octets) {
    let start = 0;
    for (let end = octets.indexOf(NEWLINE); end >= 0; end = octets.indexOf(NEWLINE, start)) {
      this.#keep(octets.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    this.#keep(octets.subarray(start));
  }

  #keep(piece) {
    this.#length += piece.length;
    if (this.#length > MAX_LINE) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  #finish() {
    const tooLong = this.#length > MAX_LINE;
    const line = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    this.#onLine(tooLong ? undefined : line);
  }
}
