// The npm package ftp-srv, set up so that it leaves the process alone: no output, no signals, no timer that runs for ever.
// Knows no session.

import process from 'node:process';
import { load } from './packages.js';

// The library looks over and over, for ever, for a data connection that did not come, unless its promises can be cancelled.
load('bluebird').config({ cancellation: true });
const { FtpSrv, FileSystem } = load('ftp-srv');

const silently = () => {};
const SILENT = { trace: silently, debug: silently, info: silently, warn: silently, error: silently, child: () => SILENT };
/** At each of these signals the library would end the process. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/** Where the library looks for files. */
export { FileSystem };

/**
 * @param {{address: string, family: 4 | 6}} endpoint where data connections are waited for, on any free port
 * @returns {object} the library's server, not listening yet
 */
export function libraryServer({ address, family }) {
  return withoutSignals(
    () =>
      new FtpSrv({
        log: SILENT,
        url: `ftp://${family === 6 ? `[${address}]` : address}`,
        // PASV can tell an IPv4 address only; without one, the library does not do it.
        pasv_url: family === 4 ? () => address : null,
        pasv_min: 0,
        pasv_max: 0,
      }),
  );
}

/** Takes away whatever listens to those signals only since then. */
function withoutSignals(make) {
  const before = SIGNALS.map((signal) => process.listeners(signal));
  const made = make();
  SIGNALS.forEach((signal, at) => {
    const added = process.listeners(signal).filter((listener) => !before[at].includes(listener));
    for (const listener of added) process.removeListener(signal, listener);
  });
  return made;
}
