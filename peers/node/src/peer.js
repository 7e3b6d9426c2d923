// The entry: joins the standard streams to the contract. Knows nothing of what travels over them.

import process from 'node:process';
import { parseArgs } from 'node:util';
import { Contract } from './contract.js';
import { Output } from './output.js';
import { load, lookIn, versionOf } from './packages.js';

/** How long the last reports may take to get out once standard input has ended, in milliseconds. */
const PARTING = 1000;

const { values: options } = parseArgs({ options: { http: { type: 'string' }, packages: { type: 'string' } } });
lookIn(options.packages);
const output = new Output(process.stdout);
const contract = new Contract(output, await chosenStack(options.http));
let leaving = false;

/** `--http undici --packages FOLDER`: the stack that lies there, instead of everything that there is without. */
async function chosenStack(name) {
  if (name === undefined) return undefined;
  if (name !== 'undici') throw new Error(`there is no HTTP stack '${name}'`);
  const { askWith } = await import('./ask-undici.js');
  return { abilities: { 'ask http/tcp': askWith(load('undici')) }, libraries: { undici: versionOf('undici') } };
}

async function leave() {
  if (leaving) return;
  leaving = true;
  setTimeout(() => process.exit(0), PARTING);
  await contract.stopAll();
  await output.drained();
  process.exit(0);
}

process.stdin.on('data', (octets) => contract.feed(octets));
process.stdin.on('end', leave);
process.stdin.on('error', leave);
// Nobody is left to report to: what is open ends with the process.
process.stdout.on('error', () => process.exit(0));
