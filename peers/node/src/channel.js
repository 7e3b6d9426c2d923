// A stream over what can only be tried, not waited for: whoever knows how to try a read and a write has a Duplex of it,
// which behaves as a net.Socket does. Knows no system call.

import { Duplex } from 'node:stream';
import { Pace } from './pace.js';
import { Patience } from './looking.js';
import { LAZY_BUFFER } from './stream.js';

/**
 * A subclass has `tryRead()`: octets, null at the end, undefined if nothing is there; `tryWrite(octets)`: how many were
 * taken, undefined if there is no room; `endWriting()`; and `dispose()`. All but `dispose` may throw.
 */
export class Channel extends Duplex {
  #patience = new Patience();
  #readPace = new Pace();
  #writePace = new Pace();

  /** @param {boolean} lazy whether little is read ahead */
  constructor(lazy) {
    super({ allowHalfOpen: true, decodeStrings: false, ...(lazy && { readableHighWaterMark: LAZY_BUFFER }) });
  }

  _read() {
    this.#readOne().then(
      (octets) => this.push(octets),
      (error) => this.destroy(error),
    );
  }

  _write(octets, _encoding, done) {
    this.#writeAll(octets).then(() => done(), done);
  }

  _final(done) {
    try {
      this.endWriting();
      done();
    } catch (error) {
      done(error);
    }
  }

  _destroy(error, done) {
    this.#patience.end(error ?? undefined);
    this.dispose();
    done(error);
  }

  async #readOne() {
    const [octets] = await this.#patience.until(() => boxed(this.tryRead()));
    await this.#readPace.step(octets?.length ?? 0);
    return octets;
  }

  async #writeAll(octets) {
    for (let left = octets; left.length > 0; ) {
      const count = await this.#patience.until(() => this.tryWrite(left));
      left = left.subarray(count);
      await this.#writePace.step(count);
    }
  }
}

const boxed = (value) => (value === undefined ? undefined : [value]);
