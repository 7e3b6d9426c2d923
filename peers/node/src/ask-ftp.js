// FTP as a client, with the npm package basic-ftp: one session, its operations one after the other, and what is told of them.

import { Asking, asker } from './asking.js';
import { STOPPED, StepFailure, unsupported } from './faults.js';
import { OPERATIONS, TYPES } from './ftp-operations.js';
import * as members from './members.js';
import { load } from './packages.js';
import { payloadOf } from './payload.js';

/** The server takes no more (RFC 959, 4.2.2). */
const GOING_DOWN = 421;
/** Where the library does not show the code of the reply. */
const WENT_WELL = 200;
/** What the library says when it was refused each kind of data connection. */
const NO_DATA_CONNECTION = /^None of .* 'FTPError: (\d{3})/;
/** How the library says that the server ended the control connection. */
const ENDED = /Server (?:sent FIN packet|closed connection) unexpectedly/;
/** What the library refuses to say. */
const UNSAID = /[\r\n\0]/;

/** Carries the command `ask` out. */
export function askFtp(command, report) {
  load('basic-ftp');
  const login = { user: word(command, 'user'), password: word(command, 'password') };
  if (members.flag(command, 'active')) throw unsupported('basic-ftp makes all data connections itself: it has no PORT and no EPRT');
  const start = asker((remote, ofSession) => new Session(remote, ofSession, login), operationOf, 'operations');
  return start(command, report);
}

function operationOf(raw) {
  const op = members.text(raw, 'op');
  if (!Object.hasOwn(OPERATIONS, op)) throw unsupported(`there is no operation '${op}' here`);
  return {
    op,
    name: op === 'where' ? undefined : word(raw, 'name'),
    to: op === 'rename' ? word(raw, 'to') : undefined,
    octets: op === 'store' || op === 'append' ? payloadOf(raw.content)() : undefined,
    type: members.choice(raw, 'type', Object.keys(TYPES), 'image'),
    offset: members.whole(raw, 'offset', { otherwise: 0 }),
  };
}

function word(holder, name) {
  const text = members.text(holder, name);
  if (UNSAID.test(text)) throw unsupported('basic-ftp says nothing that holds CR, LF or NUL');
  return text;
}

class Session extends Asking {
  #login;
  #client;
  #sockets = [];
  #cause;

  constructor(remote, report, login) {
    super(remote, report);
    this.#login = login;
    const { Client } = load('basic-ftp');
    // No clock but that of the conversation.
    this.#client = new Client(0);
    const { ftp } = this.#client;
    const newSocket = ftp._newSocket.bind(ftp);
    // A data connection that has not come about yet is to be found nowhere else.
    ftp._newSocket = () => this.#keep(newSocket());
  }

  /** Up to the answer to PASS, or to USER where that is enough. */
  begin(first) {
    const { user, password } = this.#login;
    const greeted = this.#client.connect(...this.remote);
    const { socket } = this.#client.ftp;
    this.follow(socket);
    socket.once('error', (error) => (this.#cause ??= error));
    return this.#call(greeted.then(() => this.#client.login(user, password))).catch((error) => this.#refused(error, first, true));
  }

  async ask(operation) {
    const { op } = operation;
    try {
      this.say('did', { op, status: WENT_WELL, ...(await this.#call(OPERATIONS[op](this.#client, operation))) });
    } catch (error) {
      this.#refused(error, operation, false);
    }
  }

  finish() {
    return this.#call(this.#client.sendIgnoringError('QUIT'));
  }

  /** The library's own way to close says QUIT once more, and takes everybody's listeners from its sockets: this is done without it. */
  destroy() {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What ended the session is told, and not what the library makes of it afterwards. */
  describe(error) {
    if (ENDED.test(error.message)) return super.describe(new StepFailure('ended', error.message));
    return super.describe(error instanceof StepFailure ? error : (this.#cause ?? error));
  }

  #keep(socket) {
    this.#sockets.push(socket);
    return socket;
  }

  #refused(error, operation, atBeginning) {
    const status = refusalOf(error);
    if (status === undefined) throw error;
    if (operation) this.say('did', { op: operation.op, status });
    if (atBeginning || status === GOING_DOWN) throw STOPPED;
  }

  #call(promise) {
    return new Promise((resolve, reject) => {
      this.cut = reject;
      promise.then(resolve, reject);
    });
  }
}

/** The code of a reply that the library made an error of; undefined: there was none. */
function refusalOf(error) {
  if (error instanceof load('basic-ftp').FTPError) return error.code;
  const found = NO_DATA_CONNECTION.exec(error.message);
  return found === null ? undefined : Number(found[1]);
}
