// The entry: joins the standard streams to the contract. Knows nothing of what travels over them.

import process from 'node:process';
import { Contract } from './contract.js';
import { Output } from './output.js';

/** How long the last reports may take to get out once standard input has ended, in milliseconds. */
const PARTING = 1000;

const output = new Output(process.stdout);
const contract = new Contract(output);
let leaving = false;

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
