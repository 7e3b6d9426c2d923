// The entry: joins the standard streams to the contract. Knows nothing of what travels over them.

import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { askWith } from './ask-undici.js';
import { Contract } from './contract.js';
import { Output } from './output.js';

/** How long the last reports may take to get out once standard input has ended, in milliseconds. */
const PARTING = 1000;

const output = new Output(process.stdout);
const contract = new Contract(output, await chosenStack());
let leaving = false;

/** `--http undici --packages FOLDER`: the stack that lies there, instead of everything that there is without. */
async function chosenStack() {
  const { values } = parseArgs({ options: { http: { type: 'string' }, packages: { type: 'string' } } });
  if (values.http === undefined) return undefined;
  if (values.http !== 'undici') throw new Error(`there is no HTTP stack '${values.http}'`);
  const require = createRequire(path.join(path.resolve(values.packages), 'x'));
  const { version } = require('undici/package.json');
  return { abilities: { 'ask http/tcp': askWith(require('undici')) }, libraries: { undici: version } };
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
