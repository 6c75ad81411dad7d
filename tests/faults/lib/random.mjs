// SPDX-License-Identifier: Apache-2.0
//
// Choices that a seed determines. Streams of different names do not disturb each other: what one part of a run draws
// does not depend on how often another part has drawn.

import { createHash } from 'node:crypto';

const OCTETS = 6; // 48 bits: what a double holds exactly

export class Random {
  constructor(seed, name = '') {
    this.seed = seed;
    this.name = name;
    this.count = 0;
  }

  /** An independent stream of the same seed. */
  stream(name) {
    return new Random(this.seed, `${this.name}/${name}`);
  }

  /** At least 0, less than 1. */
  next() {
    const text = `${this.seed}${this.name}#${this.count++}`;
    return createHash('sha256').update(text).digest().readUIntBE(0, OCTETS) / 256 ** OCTETS;
  }

  /** A whole number from `least` to `most`. */
  integer(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True in `share` of all cases. */
  chance(share) {
    return this.next() < share;
  }

  pick(list) {
    return list[this.integer(0, list.length - 1)];
  }

  /** A name of `table`, whose values have a `weight`. */
  weighted(table) {
    const entries = Object.entries(table);
    let left = this.next() * entries.reduce((sum, [, { weight }]) => sum + weight, 0);
    for (const [name, { weight }] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries[0][0];
  }
}
