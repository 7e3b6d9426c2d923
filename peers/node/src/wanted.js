// What a `receive` over a stream waits for, as a machine that is fed octets and says how many of them it takes.
// Knows no socket and no time.

import { Tally } from './tally.js';

/** Takes octets until it has what it wants; `done` says so, `tally` has what it took. */
class Wanted {
  constructor(keep) {
    this.done = false;
    this.tally = new Tally(keep);
  }

  /**
   * @param {Buffer} piece that came
   * @returns {number} how many of its first octets were taken
   */
  take(piece) {
    const size = this.measure(piece);
    this.tally.add(size === piece.length ? piece : piece.subarray(0, size));
    return size;
  }
}

/** Exactly so many octets. */
class Exactly extends Wanted {
  constructor(octets, keep) {
    super(keep);
    this.missing = octets;
    this.done = octets === 0;
  }

  measure(piece) {
    const size = Math.min(this.missing, piece.length);
    this.missing -= size;
    this.done = this.missing === 0;
    return size;
  }
}

/** All octets there are: never done by octets. */
class Everything extends Wanted {
  measure(piece) {
    return piece.length;
  }
}

/** All octets up to and with a mark, wherever the pieces were cut. */
class Through extends Wanted {
  constructor(mark, keep) {
    super(keep);
    this.mark = mark;
    // The end of what was taken, too short to hold the whole mark.
    this.tail = Buffer.alloc(0);
  }

  measure(piece) {
    const seen = Buffer.concat([this.tail, piece]);
    const at = seen.indexOf(this.mark);
    if (at < 0) {
      this.tail = seen.subarray(Math.max(0, seen.length - this.mark.length + 1));
      return piece.length;
    }
    this.done = true;
    return at + this.mark.length - this.tail.length;
  }
}

const LINE_FEED = 10;
const HYPHEN = 45;
const CODE = 3;

/** A reply as SMTP has it: a line, or several, all but the last with a hyphen behind the code that the first began with. */
class Reply extends Wanted {
  #line = [];
  #code;

  measure(piece) {
    for (let start = 0; start < piece.length; ) {
      const end = piece.indexOf(LINE_FEED, start) + 1;
      this.#keep(piece.subarray(start, end || piece.length));
      if (end === 0) return piece.length;
      this.done = this.#isLast();
      if (this.done) return end;
      this.#line = [];
      start = end;
    }
    return piece.length;
  }

  /** Of a line, no more than its first four octets is looked at. */
  #keep(octets) {
    if (this.#line.length <= CODE) this.#line.push(...octets.subarray(0, CODE + 1 - this.#line.length));
  }

  #isLast() {
    const code = Buffer.from(this.#line.slice(0, CODE)).toString('latin1');
    const goesOn = this.#line[CODE] === HYPHEN;
    if (this.#code !== undefined) return code === this.#code && !goesOn;
    this.#code = code;
    return !goesOn;
  }
}

/** Octets where there should be none: satisfied with the first piece. */
class Anything extends Wanted {
  measure(piece) {
    this.done = true;
    return piece.length;
  }
}

const KINDS = { octets: Exactly, through: Through, quiet: Anything };
const UNTIL = { end: Everything, reply: Reply };

/**
 * @param {{wants: string, keep?: number}} step a checked `receive`
 * @returns {Wanted}
 */
export function wantedBy(step) {
  const Kind = step.wants === 'until' ? UNTIL[step.until] : KINDS[step.wants];
  return step.wants === 'octets' || step.wants === 'through' ? new Kind(step[step.wants], step.keep) : new Kind(step.keep);
}
