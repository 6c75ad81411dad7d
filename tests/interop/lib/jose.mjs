// SPDX-License-Identifier: Apache-2.0
//
// Compact JSON Web Signatures (RFC 7515): honest ones through npm `jose`, and dishonest ones put together by hand.

import './env.mjs';
import { createPrivateKey, sign as cryptoSign } from 'node:crypto';
import { CompactSign } from 'jose';

export const base64url = (data) => Buffer.from(data).toString('base64url');
export const fromBase64url = (text) => Buffer.from(text, 'base64url');
export const encodeJson = (value) => base64url(JSON.stringify(value));
export const decodeJson = (text) => JSON.parse(fromBase64url(text).toString('utf8'));

export const nowSeconds = () => Math.floor(Date.now() / 1000);

const toBytes = (payload) =>
  typeof payload === 'string' || payload instanceof Uint8Array
    ? Buffer.from(payload)
    : Buffer.from(JSON.stringify(payload));

/** A compact JWS over `payload` (bytes, text, or a value to serialize) by the private JWK, with its `alg`. */
export async function signJws(header, payload, jwk) {
  const { alg } = jwk;
  return new CompactSign(toBytes(payload)).setProtectedHeader({ alg, ...header }).sign(jwk, {
    crit: Object.fromEntries((header.crit ?? []).map((name) => [name, false])),
  });
}

const DIGESTS = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512', secp256k1: 'sha256' };

/** A bare JOSE signature (ECDSA as R || S, RFC 7518 section 3.4) by the private JWK over bytes or text. */
export function signRaw(jwk, message) {
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return cryptoSign(DIGESTS[jwk.crv] ?? null, Buffer.from(message), { key, dsaEncoding: 'ieee-p1363' });
}

/** A compact JWS whose header and signature are the caller's affair; `signature` may be bytes or (input) => bytes. */
export function forgeJws(header, payload, signature) {
  const input = `${encodeJson(header)}.${base64url(toBytes(payload))}`;
  return `${input}.${base64url(typeof signature === 'function' ? signature(input) : signature)}`;
}

/** `{ header, payload, signature }` of a compact JWS, unverified. The payload is parsed as JSON. */
export function decodeJws(jws) {
  const [header, payload, signature] = jws.split('.');
  return { header: decodeJson(header), payload: decodeJson(payload), signature: fromBase64url(signature) };
}

/** The base64url text with one bit of octet `at` flipped (negative counts from the end). */
export function flipBit(text, at = 0) {
  const bytes = fromBase64url(text);
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  return base64url(bytes);
}

/** A compact serialization with one of its dot-separated parts changed. */
export function changePart(compact, index, change) {
  const parts = compact.split('.');
  parts[index] = change(parts[index]);
  return parts.join('.');
}
