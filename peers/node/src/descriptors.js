// Descriptors of pipes that are passed along: making one that holds a payload, and reading one to its end.
// Knows neither who passes them nor how.

import fs from 'node:fs';
import net from 'node:net';
import { StepFailure } from './faults.js';
import { pipe } from './posix-files.js';
import { closeAll } from './posix-sockets.js';
import { Tally } from './tally.js';

/**
 * @param {Buffer} octets no more than a pipe takes at once
 * @returns {number} the end to read from, of a pipe that holds them and then ends
 */
export function holding(octets) {
  const [reading, writing] = pipe();
  try {
    fs.writeSync(writing, octets);
  } finally {
    fs.closeSync(writing);
  }
  return reading;
}

/** @returns {{toEnd: (fd: number) => Promise<{octets: number, digest: string}>, stop: () => void}} */
export function reader() {
  let socket;
  return {
    /** Reads it to its end, and closes it. */
    toEnd: (fd) =>
      new Promise((resolve, reject) => {
        const tally = new Tally();
        socket = socketOf(fd);
        socket.on('data', (piece) => tally.add(piece));
        socket.once('error', reject);
        socket.once('end', () => resolve(tally.result()));
      }),
    stop: () => socket?.destroy(),
  };
}

function socketOf(fd) {
  try {
    return new net.Socket({ fd, readable: true, writable: false });
  } catch (error) {
    closeAll([fd]);
    throw new StepFailure('other', `the descriptor that came cannot be read: ${error.message}`);
  }
}
