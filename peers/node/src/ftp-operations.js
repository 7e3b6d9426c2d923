// What is done in a session of the npm package basic-ftp: each operation, with the commands that the library has no function for, and the
// line ends of TYPE A, which it leaves to its users. Knows neither the session's beginning and end nor its report.

import { Readable, Writable } from 'node:stream';
import { load } from './packages.js';
import { Tally, tallyOf } from './tally.js';

/** The data types of RFC 959, 3.1.1, as TYPE says them. */
export const TYPES = { image: 'I', ascii: 'A' };

/** By name: takes the library's client and an operation that was checked, and promises what its step has besides `op`. */
export const OPERATIONS = {
  retrieve,
  store: (client, operation) => store(client, 'uploadFrom', operation),
  append: (client, operation) => store(client, 'appendFrom', operation),
  names: async (client, { name }) => ({ names: await listWith(client, 'NLST', linesOf, name) }),
  entries,
  size: async (client, { name }) => {
    await client.send('TYPE I');
    return { size: await client.size(name) };
  },
  rename: async (client, { name, to }) => statusOf(await client.rename(name, to)),
  delete: async (client, { name }) => statusOf(await client.remove(name)),
  make: async (client, { name }) => statusOf(await client.send(`MKD ${name}`)),
  remove: async (client, { name }) => statusOf(await client.removeEmptyDir(name)),
  enter: async (client, { name }) => statusOf(await client.cd(name)),
  where: async (client) => ({ name: await client.pwd() }),
};

const statusOf = ({ code }) => ({ status: code });

async function retrieve(client, { name, type, offset }) {
  await client.send(`TYPE ${TYPES[type]}`);
  const tally = new Tally();
  const pieces = [];
  const answer = await client.downloadTo(sink((piece) => (type === 'image' ? tally.add(piece) : pieces.push(piece))), name, offset);
  // A line end may be cut in two: they are looked for when everything is there.
  tally.add(replaced(Buffer.concat(pieces), '\r\n', '\n'));
  return { ...statusOf(answer), ...tally.result() };
}

/** STOR or APPE, by the name of the library's function. */
async function store(client, how, { name, octets, type, offset }) {
  await client.send(`TYPE ${TYPES[type]}`);
  const sent = type === 'image' ? octets : replaced(octets, '\n', '\r\n');
  if (offset > 0 && how === 'uploadFrom') restartAt(client, offset);
  const answer = await client[how](Readable.from([sent]), name);
  return { ...statusOf(answer), ...tallyOf(octets) };
}

/** REST comes right before the command of the next transfer: after what makes its data connection. */
function restartAt(client, offset) {
  const prepare = client.prepareTransfer;
  client.prepareTransfer = async (ftp) => {
    client.prepareTransfer = prepare;
    const answer = await prepare(ftp);
    await ftp.request(`REST ${offset}`);
    return answer;
  };
}

async function entries(client, { name }) {
  const found = await listWith(client, 'MLSD', load('basic-ftp').parseList, name);
  return { entries: found.filter((info) => info.isFile || info.isDirectory).map(entryOf) };
}

const entryOf = ({ name, isFile, size }) => [name, isFile ? 'file' : 'dir', isFile ? size : null];

/** The library lists with the commands that it is told, and hands the list to what parses it. */
function listWith(client, verb, parse, name) {
  client.availableListCommands = [verb];
  client.parseList = parse;
  return client.list(name);
}

const linesOf = (list) => list.split(/\r?\n/).filter((line) => line !== '');

/** Every octet that is no part of a line end stays what it is. */
const replaced = (octets, from, to) => Buffer.from(octets.toString('latin1').replaceAll(from, to), 'latin1');

function sink(take) {
  return new Writable({
    write(piece, _encoding, done) {
      take(piece);
      done();
    },
  });
}
