// SPDX-License-Identifier: Apache-2.0
//
// What a wallet client signs with its Wallet Signing Key (WSK) and encrypts to the issuer.
//
// Every maker takes a last argument of knobs, `{ signer, header, claims, … }`: `signer` is another private JWK than
// the honest one, `header` and `claims` overwrite members (undefined takes one away). Without knobs it is honest.

import { randomUUID } from 'node:crypto';
import { base64url, nowSeconds, signJws, signRaw } from './jose.mjs';
import { sealJwe } from './jwe.mjs';
import { keyData, publicJwk, thumbprint } from './keys.mjs';

export const TYP_NONCE = 's2s-verification-nonce+jwt';
export const TYP_KEY_BINDING = 's2s-key-binding+jwt';
export const TYP_KEY_PROOF = 'openid4vci-proof+jwt';

/** verificationNonce, raw form: the bare signature over the sessionId. */
export function rawNonce(session, { signer = session.wsk, sessionId = session.sessionId } = {}) {
  return base64url(signRaw(signer, sessionId));
}

/** verificationNonce, bound form: a JWS that names session and issuer. */
export function boundNonce(session, issuer, { signer = session.wsk, header = {}, claims = {} } = {}) {
  const payload = { sessionId: session.sessionId, aud: issuer, iat: nowSeconds(), jti: randomUUID(), ...claims };
  return signJws({ typ: TYP_NONCE, ...header }, payload, signer);
}

/** A JweEncryptedPayload of origin WALLET_CLIENT with `object`: signed by the WSK, then encrypted to `issuerKey`. */
export async function clientPayload(
  session,
  issuerKey,
  object,
  { signer = session.wsk, header = {}, claims = {}, seal = {}, plaintext, members = {} } = {},
) {
  const payload = { ...object, aud: thumbprint(issuerKey), ...claims };
  const content = plaintext ?? (await signJws(header, payload, signer));
  return { jwe: await sealJwe(issuerKey, content, seal), origin: 'WALLET_CLIENT', ...members };
}

/** The attestation that binds a Wallet Encryption Key to the session's WSK. */
export async function keyBinding(session, issuer, wek, { signer = session.wsk, header = {}, claims = {} } = {}) {
  const payload = { sub: thumbprint(wek), sessionId: session.sessionId, aud: issuer, iat: nowSeconds(), ...claims };
  return { proof_type: 'jwt', jwt: await signJws({ typ: TYP_KEY_BINDING, ...header }, payload, signer) };
}

/** The KeyData of a presentment key with its proof of possession. */
export async function presentmentKey(
  session,
  issuer,
  key,
  { signer = key, header = {}, claims = {}, members = {} } = {},
) {
  const payload = { aud: issuer, iat: nowSeconds(), nonce: session.sessionId, ...claims };
  const jwt = await signJws({ typ: TYP_KEY_PROOF, jwk: publicJwk(key), ...header }, payload, signer);
  return keyData('PRESENTMENT_KEY', key, { attestation: { proof_type: 'jwt', jwt }, ...members });
}

export const OTP_TYPE = 'urn:s2s-gateway:verification:otp';

/** A VerificationDataItem with a one-time password. */
export function otpItem(otp, members = {}) {
  return { id: 'otp-1', type: OTP_TYPE, otp, ...members };
}
