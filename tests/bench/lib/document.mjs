// SPDX-License-Identifier: Apache-2.0
//
// Puts what was measured into a document, between its two marks; everything around them is written by people.

import { readFileSync, writeFileSync } from 'node:fs';
import { figuresText, valueText, verdict } from './table.mjs';

const BEGIN = '<!-- begin of what tests/bench/run wrote -->';
const END = '<!-- end of what tests/bench/run wrote -->';

function machineLines({ machine, plan, quick }) {
  return [
    `Measured on ${machine.date} at revision \`${machine.revision}\`${quick ? ', with `--quick`: short runs, each once' : `; each comparison ${plan.repeats} times, medians`}.`,
    '',
    '| | |',
    '|---|---|',
    `| machine | ${machine.processor}, ${machine.memory}, ${machine.kernel}; load average ${machine.load} when it began |`,
    `| versions | ${machine.openssl}; PostgreSQL ${machine.postgresql}; graphile-worker ${machine.graphileWorker} on Node.js ${machine.node} |`,
    `| PostgreSQL’s settings | ${machine.settings} |`,
  ];
}

function tableLine({ row, outcome }) {
  const cells = [row.id, row.what, row.target?.text ?? '', outcome.error ? '' : valueText(row, outcome), verdict(row, outcome), figuresText(outcome)];
  return `| ${cells.join(' | ')} |`;
}

/** How each was measured, and why a target was missed. */
function notes({ row, outcome }) {
  const missed = verdict(row, outcome) === 'missed' ? row.missed : undefined;
  return [`- **${row.id}**: ${[row.how, outcome.remark && `(${outcome.remark}.)`, missed, outcome.error].filter(Boolean).join(' ')}`];
}

export function writeDocument(path, found) {
  const text = readFileSync(path, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const [, after] = (rest ?? '').split(END);
  if (after === undefined) throw new Error(`${path} has no marks for what is written`);
  const lines = [
    ...machineLines(found),
    '',
    '| # | what | target | measured | | figures |',
    '|---|---|---|---|---|---|',
    ...found.results.map(tableLine),
    '',
    ...found.results.flatMap(notes),
  ];
  writeFileSync(path, `${before}${BEGIN}\n${lines.join('\n')}\n${END}${after}`);
}
