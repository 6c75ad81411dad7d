// SPDX-License-Identifier: Apache-2.0
//
// Keys as JSON Web Keys (RFC 7517), their thumbprints (RFC 7638) and KeyData objects.

import './env.mjs';
import { createHash, createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';

/** Signature algorithms and the curve that each signs with. */
export const SIGNATURE_CURVES = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
};

const KEY_TYPES = {
  'P-256': ['ec', { namedCurve: 'P-256' }],
  'P-384': ['ec', { namedCurve: 'P-384' }],
  'P-521': ['ec', { namedCurve: 'P-521' }],
  secp256k1: ['ec', { namedCurve: 'secp256k1' }],
  Ed25519: ['ed25519'],
  Ed448: ['ed448'],
  X25519: ['x25519'],
  X448: ['x448'],
  RSA: ['rsa', { modulusLength: 2048 }],
};

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const THUMBPRINT_MEMBERS = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] };

const AS_DER = {
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  publicKeyEncoding: { type: 'spki', format: 'der' },
};

/**
 * A new private JWK on `curve`, with the further members given (`alg`, `kid`, `use`, …). By way of DER, as Node 20 hangs now and
 * then when it exports a key object while the garbage collector takes the job that has generated it: both lock the key.
 */
export function generateKey(curve, members = {}) {
  const [type, options] = KEY_TYPES[curve];
  const { privateKey } = generateKeyPairSync(type, { ...options, ...AS_DER });
  const key = createPrivateKey({ key: privateKey, type: 'pkcs8', format: 'der' });
  return { ...key.export({ format: 'jwk' }), ...members };
}

/** A new signing key for a signature algorithm. */
export function generateSigningKey(alg = 'ES256', members = {}) {
  return generateKey(SIGNATURE_CURVES[alg], { alg, kid: randomUUID(), ...members });
}

/** The public half of a JWK: every member but the private ones. */
export function publicJwk(jwk) {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !PRIVATE_MEMBERS.includes(name)));
}

/** RFC 7638 SHA-256 thumbprint, base64url. */
export function thumbprint(jwk) {
  const members = THUMBPRINT_MEMBERS[jwk.kty].map((name) => [name, jwk[name]]);
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url');
}

/** A KeyData object for the public half of `jwk`. */
export function keyData(keyType, jwk, members = {}) {
  return { keyType, client_public_key: publicJwk(jwk), ...members };
}
