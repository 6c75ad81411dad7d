// SPDX-License-Identifier: Apache-2.0
//
// Bodies that are not JSON, not UTF-8, not an object, too deep or ambiguous (profile section 2; RFC 8259, RFC 7493).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertProblem, connect, plantSecret, PROBLEM } from './support.mjs';

const wallet = await connect();
const session = wallet.newSession();
assertOk(await wallet.initiate(session));
const ref = wallet.verificationRef(session);
const good = JSON.stringify(ref);

const withExtension = (json) => `${good.slice(0, -1)},"extensions":${json}}`;
const nested = (levels, open = '[', close = ']') => open.repeat(levels) + close.repeat(levels);
const withBytes = (...bytes) =>
  Buffer.concat([Buffer.from(`${good.slice(0, -1)},"extensions":{"a":"`), Buffer.of(...bytes), Buffer.from('"}}')]);

const MALFORMED = {
  'an empty body': '',
  'only white space': ' \n',
  null: 'null',
  'an array': '[]',
  'an array with the object': `[${good}]`,
  'a string': '"text"',
  'a number': '1',
  true: 'true',
  'an open object': '{',
  'a truncated object': good.slice(0, -1),
  'trailing text': `${good}x`,
  'two objects': `${good} ${good}`,
  'a trailing comma': `${good.slice(0, -1)},}`,
  'a trailing NUL': `${good}\0`,
  'a leading byte order mark': `\ufeff${good}`,
  'single quotes': good.replaceAll('"', "'"),
  'unquoted names': good.replaceAll(/"(\w+)":/g, '$1:'),
  'a comment': `/* c */${good}`,
  NaN: withExtension('{"a":NaN}'),
  Infinity: withExtension('{"a":-Infinity}'),
  'a leading zero': withExtension('{"a":01}'),
  'a leading plus': withExtension('{"a":+1}'),
  'a bare point': withExtension('{"a":.5}'),
  'a hexadecimal number': withExtension('{"a":0x10}'),
  'an upper-case literal': withExtension('{"a":TRUE}'),
  'a raw line feed in a string': withExtension('{"a":"x\ny"}'),
  'a raw tab in a string': withExtension('{"a":"x\ty"}'),
  'an unknown escape': withExtension('{"a":"\\x41"}'),
  'half an escape': withExtension('{"a":"\\u12"}'),
  'a lone high surrogate': withExtension('{"a":"\\ud800"}'),
  'a lone low surrogate': withExtension('{"a":"\\udc00"}'),
  'a name twice': `${good.slice(0, -1)},"sessionId":"${ref.sessionId}"}`,
  'a name twice, spelled with an escape': `${good.slice(0, -1)},"session\\u0049d":"${ref.sessionId}"}`,
  'a name twice, further down': withExtension('{"a":{"b":1,"b":2}}'),
  'octet FF': withBytes(0xff),
  'a lone continuation octet': withBytes(0x80),
  'a truncated sequence': withBytes(0xe2, 0x82),
  'an overlong slash': withBytes(0xc0, 0xaf),
  'an overlong NUL': withBytes(0xc0, 0x80),
  'an encoded surrogate': withBytes(0xed, 0xa0, 0x80),
  'beyond U+10FFFF': withBytes(0xf4, 0x90, 0x80, 0x80),
  'UTF-16': Buffer.from(good, 'utf16le'),
  'nested 33 deep': withExtension(`{"a":${nested(31)}}`),
  'nested 33 deep, objects': withExtension(`{"a":${'{"b":'.repeat(30)}{}${'}'.repeat(30)}}`),
  'nested a hundred thousand deep': withExtension(nested(100_000)),
  'open a hundred thousand times': '['.repeat(100_000),
};

describe('malformed bodies are 400', () => {
  for (const [name, body] of Object.entries(MALFORMED)) {
    test(name, async () => {
      assertProblem(await wallet.call(PATHS.status, body), 400, [PROBLEM.validation, PROBLEM.blank]);
    });
  }

  for (const [name, path] of Object.entries(PATHS)) {
    test(`no endpoint takes anything but an object: ${name}`, async () => {
      for (const body of ['', 'null', '[]', '{"sessionId":']) {
        assertProblem(await wallet.call(path, body), 400, [PROBLEM.validation, PROBLEM.blank]);
      }
    });
  }
});

const TOLERATED = {
  'white space around': ` \r\n\t${good}\n`,
  'unknown members': JSON.stringify({ ...ref, unknown: 1, alsoUnknown: { a: [null] } }),
  'unknown extensions': withExtension('{"urn:example:x":{"a":1},"urn:example:y":null}'),
  'an empty extension object': withExtension('{}'),
  'escaped names and values': good.replace('sessionId', 'session\\u0049d'),
  'a pair of surrogates': withExtension('{"a":"\\ud83d\\ude00"}'),
  'text of all planes': withExtension(`{"a":"ß€😀${String.fromCodePoint(0x10fffd)}"}`),
  'nested 32 deep': withExtension(`{"a":${nested(30)}}`),
  'a large number': withExtension('{"a":123456789012345678901234567890}'),
};

describe('tolerated bodies', () => {
  for (const [name, body] of Object.entries(TOLERATED)) {
    test(name, async () => {
      assert.equal(assertOk(await wallet.call(PATHS.status, body)).verificationId, ref.verificationId);
    });
  }
});

test('a problem never quotes what was sent', async () => {
  const secret = plantSecret('malformed');
  for (const body of [
    `{"sessionId":"${secret}`,
    `{"${secret}":}`,
    JSON.stringify({ sessionId: secret, verificationId: [secret] }),
  ]) {
    const response = await wallet.call(PATHS.status, body);
    assert.equal(response.status, 400);
    assert.ok(!response.text.includes(secret), response.text);
  }
});
