// Functions of the C library that Node has no call for, by the npm package koffi, which is loaded at the first call.
// Owns how they are bound and how their errno becomes an error; knows nothing of what they are for.
//
// The numbers and structures of all that stands on this are those of Linux with 64 bits, little-endian.

import os from 'node:os';
import process from 'node:process';
import util from 'node:util';
import { load, versionOf } from './packages.js';

const MACHINES = new Set(['x64', 'arm64', 'riscv64', 'loong64']);

let library;

/** @returns {string | undefined} why the C library cannot be called here; undefined if it can */
export function lacking() {
  if (process.platform !== 'linux' || !MACHINES.has(process.arch) || os.endianness() !== 'LE') {
    return 'the C library is called with the numbers of Linux on 64 bits, little-endian';
  }
  return versionOf('koffi') === undefined ? 'Node has no call for it, and the npm package koffi is not there' : undefined;
}

/**
 * Loads what must be loaded.
 *
 * @throws {import('./faults.js').CommandFault} where it cannot be
 */
export const ready = () => void loaded();

function loaded() {
  if (library === undefined) {
    const koffi = load('koffi');
    library = { koffi, functions: koffi.load(null) };
  }
  return library;
}

/**
 * @param {ArrayBufferView} memory whose place does not change: a Buffer on an ArrayBuffer of its own
 * @returns {bigint} its address
 */
export const addressOf = (memory) => loaded().koffi.address(memory);

/**
 * @param {bigint} address
 * @param {number} octets
 * @returns {ArrayBuffer} the memory there, not a copy; must not be touched once it is unmapped
 */
export const memoryAt = (address, octets) => loaded().koffi.view(address, octets);

/**
 * @param {string} prototype of a C function
 * @returns {(...values: any[]) => any} it, bound at its first call
 */
export function bound(prototype) {
  let call;
  return (...values) => {
    call ??= loaded().functions.func(prototype);
    return call(...values);
  };
}

/**
 * A C function that answers -1 with an errno.
 *
 * @param {string} prototype
 * @param {string[]} [later] the errors that mean: not now, try again
 * @returns {(...values: any[]) => number | undefined} throws the error; undefined: try again later
 */
export function checked(prototype, later = []) {
  const call = bound(prototype);
  const again = new Set(later.map((name) => os.constants.errno[name]));
  const name = /(\w+)\(/.exec(prototype)[1];
  return (...values) => {
    for (;;) {
      const result = Number(call(...values));
      if (result !== -1) return result;
      const errno = library.koffi.errno();
      if (again.has(errno)) return undefined;
      if (errno !== os.constants.errno.EINTR) throw systemError(errno, name);
    }
  };
}

/**
 * @param {number} errno
 * @param {string} syscall
 * @returns {Error & {code: string, errno: number, syscall: string}} an error as Node's own calls throw it
 */
export function systemError(errno, syscall) {
  const [code, says] = util.getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'the system says no more'];
  return Object.assign(new Error(`${code}: ${says}, ${syscall}`), { code, errno: -errno, syscall });
}
