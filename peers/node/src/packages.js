// The npm packages that the build has brought along: which there are, and loading one at its first use. Knows none of them.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { unsupported } from './faults.js';

/** Those that this peer has a use for. */
const NAMES = ['koffi', 'nodemailer', 'smtp-server', 'ftp-srv', 'basic-ftp', 'dns-packet'];

let folder;
const versions = new Map();

/** @param {string | undefined} place the folder that holds `node_modules`; undefined: there are no packages */
export function lookIn(place) {
  folder = place === undefined ? undefined : path.resolve(place);
}

/**
 * @param {string} name of a package
 * @returns {string | undefined} its version; undefined where it is not there
 */
export function versionOf(name) {
  if (!versions.has(name)) versions.set(name, folder && readVersion(name));
  return versions.get(name);
}

function readVersion(name) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** @returns {Record<string, string>} the versions of those that are there */
export function versionsHere() {
  const found = NAMES.map((name) => [name, versionOf(name)]);
  return Object.fromEntries(found.filter(([, version]) => version !== undefined));
}

/**
 * @param {string} name of a package, or of a file in one
 * @returns {any} what it exports
 * @throws {import('./faults.js').CommandFault} where it cannot be loaded
 */
export function load(name) {
  try {
    return createRequire(path.join(folder ?? path.resolve('nowhere'), 'x'))(name);
  } catch (error) {
    throw unsupported(`the npm package '${name}' cannot be loaded: ${error.message.split('\n')[0]}`);
  }
}
