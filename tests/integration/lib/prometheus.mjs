// SPDX-License-Identifier: Apache-2.0
//
// A strict reader of the Prometheus text format, version 0.0.4. It throws at everything that a scraper may refuse.

import assert from 'node:assert/strict';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const TYPES = ['counter', 'gauge', 'histogram'];

function parseLabels(text) {
  const labels = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const match = LABEL.exec(text);
    assert.ok(match, `labels cannot be read at ${at}: ${text}`);
    assert.ok(!(match[1] in labels), `label ${match[1]} twice: ${text}`);
    labels[match[1]] = match[2].replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char));
  }
  return labels;
}

function parseValue(text) {
  const special = { '+Inf': Infinity, '-Inf': -Infinity, NaN: NaN };
  if (text in special) return special[text];
  assert.match(text, /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/, `value ${text}`);
  return Number(text);
}

/** The family that a sample belongs to. */
function familyOf(families, name) {
  if (families.has(name)) return families.get(name);
  const stem = name.replace(/_(bucket|sum|count)$/, '');
  assert.ok(families.get(stem)?.type === 'histogram', `sample ${name} has no TYPE before it`);
  return families.get(stem);
}

const key = (labels) => JSON.stringify(Object.entries(labels).sort());
const without = ({ le, ...labels }) => labels;

/** Buckets grow, end in +Inf, and agree with the count (Prometheus documentation, "Histograms and summaries"). */
function checkHistogram({ name, samples }) {
  const series = new Map();
  for (const sample of samples) {
    const id = key(without(sample.labels));
    if (!series.has(id)) series.set(id, { buckets: [] });
    const entry = series.get(id);
    if (sample.name === `${name}_bucket`) entry.buckets.push(sample);
    else entry[sample.name.slice(name.length + 1)] = sample.value;
  }
  for (const [id, { buckets, sum, count }] of series) {
    const bounds = buckets.map(({ labels }) => parseValue(labels.le));
    assert.equal(bounds[bounds.length - 1], Infinity, `${name}${id} ends in +Inf`);
    for (let i = 1; i < buckets.length; i++) {
      assert.ok(bounds[i] > bounds[i - 1], `${name}${id}: bounds grow`);
      assert.ok(buckets[i].value >= buckets[i - 1].value, `${name}${id}: buckets are cumulative`);
    }
    assert.equal(count, buckets[buckets.length - 1].value, `${name}${id}: count is the last bucket`);
    assert.ok(sum >= 0, `${name}${id}: sum`);
  }
}

export class Metrics {
  constructor(families) {
    this.families = families;
  }

  get samples() {
    return [...this.families.values()].flatMap(({ samples }) => samples);
  }

  /** The sum of the samples of `name` whose labels contain `labels`; 0 when there is none. */
  value(name, labels = {}) {
    const fits = (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === String(value));
    return this.samples.filter(fits).reduce((sum, { value }) => sum + value, 0);
  }
}

/** Read a scrape. */
export function parseMetrics(text) {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map();
  const helped = new Set();
  let current;
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      assert.match(name, NAME);
      assert.ok(!helped.has(name), `HELP of ${name} twice`);
      helped.add(name);
    } else if (keyword === 'TYPE') {
      assert.ok(TYPES.includes(rest), `type ${rest}`);
      assert.ok(!families.has(name), `TYPE of ${name} twice`);
      current = { name, type: rest, samples: [], seen: new Set() };
      families.set(name, current);
    } else {
      const [, sampleName, labelText = '', value] = SAMPLE.exec(line) ?? assert.fail(`not a sample: ${line}`);
      const family = familyOf(families, sampleName);
      assert.equal(family, current, `samples of ${family.name} stand together`);
      const sample = { name: sampleName, labels: parseLabels(labelText), value: parseValue(value) };
      const id = sampleName + key(sample.labels);
      assert.ok(!family.seen.has(id), `a series twice: ${line}`);
      family.seen.add(id);
      if (family.type === 'counter') assert.match(sampleName, /_total$/, 'counters end in _total');
      family.samples.push(sample);
    }
  }
  for (const family of families.values()) {
    assert.ok(helped.has(family.name), `${family.name} has no HELP`);
    if (family.type === 'histogram') checkHistogram(family);
  }
  return new Metrics(families);
}
