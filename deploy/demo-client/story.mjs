// SPDX-License-Identifier: Apache-2.0
//
// How the demo speaks: headings, lines said by one of the parties, and what they hold in their hands.

const WIDTH = 100;
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

const write = (text = '') => process.stdout.write(`${text}\n`);

/** Break `text` into lines of at most `width` characters. */
function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines[lines.length - 1];
    if (last && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}

export function picture() {
  write(`
   HOLDER’S APP            BACKEND                WALLET GATEWAY         ISSUER GATEWAY
  ┌─────────────────┐    ┌─────────────────┐    ┌─────────────────┐    ┌─────────────────┐
  │ owns the keys:  │    │ the wallet      │    │ s2s-gateway     │    │ s2s-gateway     │
  │ signing,        │    │ operator's own  │API │                 │TLS │                 │
  │ encryption, and │ ◀▶ │                 │ ─▶ │ carries what it │ ◀▶ │ checks,         │
  │ the badge's     │    │ knows holders,  │    │ cannot read,    │    │ decrypts,       │
  │                 │    │ but not what    │    │ and loses       │    │ decides, signs  │
  │                 │    │ their apps say  │    │ nothing         │    │ the credential  │
  └─────────────────┘    └─────────────────┘    └────────┬────────┘    └────────┬────────┘
       the demo's             the demo's                 └──── PostgreSQL ──────┘
                                                        two databases of their own`);
}

export function heading(text) {
  write();
  write(paint('1;36', `── ${text} ${'─'.repeat(Math.max(3, WIDTH - text.length - 4))}`));
}

/** A step: who does what, and why, in plain words. */
function said(who, code, text) {
  const indent = ' '.repeat(17);
  write();
  write(paint(code, who.padEnd(17)) + wrap(text, WIDTH - indent.length).join(`\n${indent}`));
}

export const client = (text) => said('Holder’s app', '1;33', text);
export const backend = (text) => said('Backend', '1;36', text);
export const wallet = (text) => said('Wallet gateway', '1;34', text);
export const issuer = (text) => said('Issuer gateway', '1;32', text);
export const operator = (text) => said('Issuer operator', '1;31', text);
export const site = (text) => said('Issuer’s site', '1;31', text);
export const verifier = (text) => said('Verifier', '1;35', text);

/** Something to look at: a label and a value, cut to one line when it is long text. */
export function show(label, value) {
  const limit = WIDTH - 22 - label.length;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const cut = text.length > limit ? `${text.slice(0, limit)}… (${text.length} characters)` : text;
  write(paint('2', `${' '.repeat(19)}${label}: `) + cut);
}

/** A JSON document, whole. */
export function document(value) {
  for (const line of JSON.stringify(value, null, 2).split('\n')) write(`${' '.repeat(19)}${line}`);
}

export function closing(text) {
  write();
  write(paint('1;32', wrap(text, WIDTH).join('\n')));
  write();
}
