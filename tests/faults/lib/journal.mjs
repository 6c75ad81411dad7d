// SPDX-License-Identifier: Apache-2.0
//
// What a backend and an issuer's operator were promised while everything around them broke: the issuances that were
// taken, the credentials that were fetched, the changes that were accepted. And what they saw, in order.

/** Statuses after which a verification, or an instance, stays as it is. */
export const FINAL = ['APPROVED', 'DENIED', 'EXPIRED', 'FAILED'];
const ENDED = ['CANCELLED', 'UNLINKED'];

/** A reason that tells who acted, and as which of the party's steps. */
export const reasonOf = (party, held) => `${party}_${++held.step}`;

const STATUS_RANK = { STARTING: 0, ADDITIONAL_INFO_REQUIRED: 1, REJECTED: 2 };

/**
 * Marks of how far a thing has come, as far as its JSON tells; nobody may ever see one go back. Times are in seconds;
 * of a status that can come back, and of a mark that a state does not have, nothing is said.
 */
const MARKS = {
  issuance: {
    updatedAt: (it) => it.updatedAt,
    status: ({ status }) => (FINAL.includes(status) ? 3 : STATUS_RANK[status]),
    instances: ({ instances }) => instances.length,
  },
  instance: {
    lastStatusChangeTime: (it) => it.lastStatusChangeTime,
    confirmed: ({ status }) => ({ IN_PROCESS: 0, ACTIVE: 1 })[status],
    holder: ({ lastStatusChangeReason }) => stepOf('HOLDER', lastStatusChangeReason),
    operator: ({ lastStatusChangeReason }) => stepOf('OPERATOR', lastStatusChangeReason),
  },
};

const stepOf = (party, reason) =>
  reason?.startsWith(`${party}_`) ? Number(reason.slice(party.length + 1)) : undefined;

/** Whether a thing in this state can still change. */
const HAS_ENDED = {
  issuance: ({ status }) => FINAL.includes(status),
  instance: ({ status }) => ENDED.includes(status),
};

export class Journal {
  constructor() {
    this.issuances = []; // { session, kind, status }: taken, and how each must end
    this.fetches = []; // { fetchId, instanceId, session, key }: taken
    this.instances = []; // { instanceId, session, facts, updates, step }: what both parties did to each
    this.requests = 0; // that were answered in the end
    this.repeats = 0; // that had to be made again
    this.seen = new Map(); // by observer and thing: { marks, last }
    this.regressions = [];
  }

  /** `observer` sees a thing in a state: it must not be older than what the same observer has seen before. */
  observe(observer, kind, id, state) {
    const key = `${observer}: ${kind} ${id}`;
    const { marks = {}, last } = this.seen.get(key) ?? {};
    const now = { ...marks };
    const complain = (what) => this.regressions.push(`${key}: ${what}: ${JSON.stringify([last, state])}`);
    for (const [name, markOf] of Object.entries(MARKS[kind])) {
      const mark = markOf(state);
      if (mark === undefined) continue;
      if (marks[name] > mark) complain(`${name} went from ${marks[name]} to ${mark}`);
      now[name] = mark;
    }
    if (last !== undefined && HAS_ENDED[kind](last) && last.status !== state.status) complain('it had ended');
    this.seen.set(key, { marks: now, last: state });
  }
}
