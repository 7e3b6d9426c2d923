// SMTP as a service, with the npm package smtp-server. Owns which mailboxes refuse mail and what is told of messages;
// everything else is the library's.

import net from 'node:net';
import { follow } from './following.js';
import { load } from './packages.js';
import { TcpListener } from './service-tcp.js';
import * as members from './members.js';
import { Tally } from './tally.js';

/** The library must not end a conversation by a clock of its own: this is the longest time that it can wait. */
const PATIENT = 2 ** 31 - 1;

/** What the parts of addresses before the last @, in lower case, are answered. */
const SENDERS = { banned: [550, 'Not from there'] };
const RECIPIENTS = { nobody: [550, 'Nobody of that name'], later: [450, 'Not now'] };
const CONTENTS = { picky: [554, 'Not such a message'], busy: [451, 'Not such a message now'] };

/**
 * @param {object} command `serve`
 * @param {import('./output.js').Report} report of the service
 * @param {() => import('./output.js').Report} newReport of one connection
 * @returns {{stop: () => void}}
 */
export function serveSmtp(command, report, newReport) {
  const endpoint = members.endpoint(command);
  const reports = new Map();
  const smtp = libraryServer(reports);
  let number = 0;
  return new TcpListener(net.createServer({ noDelay: true }), endpoint, report, (socket) => {
    const id = String(++number);
    const ofConnection = newReport();
    reports.set(id, ofConnection);
    socket.once('close', () => reports.delete(id));
    follow(socket, ofConnection);
    smtp.connect(socket, { id });
    return { stop: () => socket.destroy() };
  });
}

/** The library's server, without a listener of its own: connections are handed to it. */
function libraryServer(reports) {
  const { SMTPServer } = load('smtp-server');
  const smtp = new SMTPServer({
    logger: false,
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    hideSTARTTLS: true,
    disableReverseLookup: true,
    // Mail for every mailbox is taken; without this, addresses of the longest domains are not.
    lenientAddressParsing: true,
    socketTimeout: PATIENT,
    onMailFrom: ({ address }, _session, done) => done(refusal(SENDERS, [address])),
    onRcptTo: ({ address }, _session, done) => done(refusal(RECIPIENTS, [address])),
    onData: (stream, session, done) => take(stream, session.envelope, reports.get(session.id), done),
  });
  // What breaks a connection is told where its socket is followed.
  smtp.on('error', () => {});
  return smtp;
}

function take(stream, { mailFrom, rcptTo }, report, done) {
  const tally = new Tally();
  const recipients = rcptTo.map(({ address }) => address);
  stream.on('data', (piece) => tally.add(piece));
  stream.once('end', () => {
    const refused = refusal(CONTENTS, recipients);
    if (!refused) report?.add('mail', { from: mailFrom.address, recipients, ...tally.result() });
    done(refused);
  });
}

/** The first refusal that one of the addresses gets, as the library wants it; undefined: they are taken. */
function refusal(refusals, addresses) {
  const local = (address) => address.slice(0, address.lastIndexOf('@')).toLowerCase();
  const found = addresses.map(local).find((name) => Object.hasOwn(refusals, name));
  if (found === undefined) return undefined;
  const [responseCode, says] = refusals[found];
  return Object.assign(new Error(says), { responseCode });
}
