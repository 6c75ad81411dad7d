// SPDX-License-Identifier: Apache-2.0
//
// Which statements a gateway executed, as PostgreSQL's own log tells it (`log_statement` is on).

/** What goes on without requests: claims, the ends of jobs, chores, and the operators' probe. */
const BACKGROUND = /(_claim|_done|_due|_set|_forget|maintain)$|^ping$/;

/** How often which statement was executed on `database` for requests, by a piece of the log: `{ name: count }`. */
export function statementsOfRequests(log, database) {
  const line = new RegExp(`s2s@${database} LOG: {2}execute (\\w+):`, 'g');
  const counts = {};
  for (const [, name] of log.matchAll(line)) if (!BACKGROUND.test(name)) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
