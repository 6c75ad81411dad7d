// SPDX-License-Identifier: Apache-2.0
//
// The client's own JOSE-HPKE against the published vectors, before it judges anybody else's.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SUITES, suiteOf } from '../lib/hpke.mjs';
import { changePart, flipBit } from '../lib/jose.mjs';
import { jweHeader, openJwe, sealJwe } from '../lib/jwe.mjs';
import { generateKey, publicJwk } from '../lib/keys.mjs';

const vectors = JSON.parse(readFileSync(new URL('../../vectors/jose-hpke.json', import.meta.url), 'utf8'));

for (const { alg, jwk, flattened, compact } of vectors) {
  test(`vector ${alg}: the flattened and the compact JWE have the same plaintext`, async () => {
    const fromFlattened = await openJwe(flattened, jwk);
    const fromCompact = await openJwe(compact, jwk);
    assert.equal(fromFlattened.header.alg, alg);
    assert.equal(fromCompact.header.kid, jwk.kid);
    assert.ok(fromCompact.plaintext.length > 0);
    assert.deepEqual(fromFlattened.plaintext, fromCompact.plaintext);
  });
}

const algorithms = SUITES.flatMap((suite, number) => [`HPKE-${number}`, `HPKE-${number}-KE`]);

test('the vectors know every algorithm that the table knows', () => {
  assert.deepEqual(vectors.map((vector) => vector.alg).sort(), [...algorithms].sort());
});

for (const alg of algorithms) {
  test(`${alg}: sealed and opened in every form`, async () => {
    const jwk = generateKey(suiteOf(alg).curve, { alg, kid: 'k' });
    const forms = [
      { form: 'compact' },
      { form: 'flattened', aad: 'extra' },
      { form: 'general', aad: 'extra' },
      ...(alg.endsWith('-KE') ? [{ form: 'compact', enc: 'A256GCM' }] : []),
    ];
    for (const options of forms) {
      const jwe = await sealJwe(publicJwk(jwk), 'to be kept', options);
      assert.equal((await openJwe(jwe, jwk)).plaintext.toString(), 'to be kept', JSON.stringify(options));
      assert.equal(jweHeader(jwe).alg, alg);
    }
  });
}

for (const alg of ['HPKE-0', 'HPKE-0-KE']) {
  test(`${alg}: a changed ciphertext or aad does not open`, async () => {
    const jwk = generateKey('P-256', { alg });
    const compact = await sealJwe(publicJwk(jwk), 'to be kept');
    await assert.rejects(
      openJwe(
        changePart(compact, 3, (part) => flipBit(part)),
        jwk,
      ),
    );
    const flattened = await sealJwe(publicJwk(jwk), 'to be kept', { form: 'flattened', aad: 'extra' });
    await assert.rejects(openJwe({ ...flattened, aad: 'b3RoZXI' }, jwk));
  });
}
