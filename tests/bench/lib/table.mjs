// SPDX-License-Identifier: Apache-2.0
//
// The rows of the table: targets, and how they and what was found are written.

const relations = {
  '≥': (value, bound) => value >= bound,
  '≤': (value, bound) => value <= bound,
};

const target = (relation) => (bound) => ({
  text: `${relation} ${bound}`,
  isMet: (value) => relations[relation](value, bound),
});

export const atLeast = target('≥');
export const atMost = target('≤');

/** A figure for people: three digits that count, thousands apart. */
export function number(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return Number(value).toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

const ratio = (value) => value.toFixed(2);

/** What was measured, as it stands in the table: `value` of a row, with its unit. */
export const valueText = (row, { value }) =>
  value === undefined ? 'see beside' : row.unit ? `${number(value)} ${row.unit}` : ratio(value);

/** "met", "missed" or why there is none. */
export function verdict(row, outcome) {
  if (outcome.error) return 'error';
  if (row.target === undefined) return '–';
  return row.target.isMet(outcome.value) ? 'met' : 'missed';
}

export const figuresText = ({ figures }) => figures.map(([name, text]) => `${name} ${text}`).join('; ');
