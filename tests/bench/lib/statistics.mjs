// SPDX-License-Identifier: Apache-2.0
//
// Of a few figures, the one to believe.

const byNumber = (a, b) => a - b;

/** The value below which `share` of the values lie. */
export function quantile(values, share) {
  const sorted = [...values].sort(byNumber);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(values) {
  const sorted = [...values].sort(byNumber);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
