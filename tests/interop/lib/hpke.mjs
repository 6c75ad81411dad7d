// SPDX-License-Identifier: Apache-2.0
//
// HPKE base mode, single shot (RFC 9180), for the suites of JOSE-HPKE 0 to 7, on the @hpke packages.

import './env.mjs';
import {
  Aes128Gcm,
  Aes256Gcm,
  CipherSuite,
  DhkemP256HkdfSha256,
  DhkemP384HkdfSha384,
  DhkemP521HkdfSha512,
  HkdfSha256,
  HkdfSha384,
  HkdfSha512,
} from '@hpke/core';
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import { DhkemX448HkdfSha512 } from '@hpke/dhkem-x448';

/** Rows of the table of suites; the index is the n of HPKE-n. */
export const SUITES = [
  { curve: 'P-256', kem: DhkemP256HkdfSha256, kdf: HkdfSha256, aead: Aes128Gcm },
  { curve: 'P-384', kem: DhkemP384HkdfSha384, kdf: HkdfSha384, aead: Aes256Gcm },
  { curve: 'P-521', kem: DhkemP521HkdfSha512, kdf: HkdfSha512, aead: Aes256Gcm },
  { curve: 'X25519', kem: DhkemX25519HkdfSha256, kdf: HkdfSha256, aead: Aes128Gcm },
  { curve: 'X25519', kem: DhkemX25519HkdfSha256, kdf: HkdfSha256, aead: Chacha20Poly1305 },
  { curve: 'X448', kem: DhkemX448HkdfSha512, kdf: HkdfSha512, aead: Aes256Gcm },
  { curve: 'X448', kem: DhkemX448HkdfSha512, kdf: HkdfSha512, aead: Chacha20Poly1305 },
  { curve: 'P-256', kem: DhkemP256HkdfSha256, kdf: HkdfSha256, aead: Aes256Gcm },
];

/** `{ number, curve, keyEncryption }` of a JOSE `alg` such as HPKE-0 or HPKE-0-KE; undefined for any other. */
export function suiteOf(alg) {
  const match = /^HPKE-([0-7])(-KE)?$/.exec(alg ?? '');
  if (!match) return undefined;
  const number = Number(match[1]);
  return { number, curve: SUITES[number].curve, keyEncryption: match[2] !== undefined };
}

const cipherSuite = ({ kem: Kem, kdf: Kdf, aead: Aead }) =>
  new CipherSuite({ kem: new Kem(), kdf: new Kdf(), aead: new Aead() });

// The package wants a bare key: `alg`, `use` and `kid` are JOSE's and would be taken for WebCrypto's.
const bareKey = ({ kty, crv, x, y, d }, isPrivate) => {
  const key = { kty, crv, x };
  if (y !== undefined) key.y = y;
  if (isPrivate) key.d = d;
  return key;
};

/** SealBase: `{ enc, ct }` as Buffers. */
export async function seal(number, recipient, { info, aad, pt }) {
  const suite = cipherSuite(SUITES[number]);
  const recipientPublicKey = await suite.kem.importKey('jwk', bareKey(recipient, false), true);
  const sender = await suite.createSenderContext({ recipientPublicKey, info });
  return { enc: Buffer.from(sender.enc), ct: Buffer.from(await sender.seal(pt, aad)) };
}

/** OpenBase: the plaintext as a Buffer; rejects when it does not authenticate. */
export async function open(number, recipient, { enc, info, aad, ct }) {
  const suite = cipherSuite(SUITES[number]);
  const recipientKey = await suite.kem.importKey('jwk', bareKey(recipient, true), false);
  const context = await suite.createRecipientContext({ recipientKey, enc, info });
  return Buffer.from(await context.open(ct, aad));
}
