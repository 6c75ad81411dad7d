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

// --- VerificationDataItems (profile D12) ------------------------------------------------------------------------------

const itemType = (name) => `urn:s2s-gateway:verification:${name}`;

export const OTP_TYPE = itemType('otp');
export const OFFER_TYPE = itemType('pre_authorized_code');
export const PRIOR_SESSION_TYPE = itemType('prior_session');
export const PRESENTATION_TYPE = itemType('openid4vp');
export const WEB_TYPE = itemType('auth_on_web');

/** A one-time password. */
export function otpItem(otp, members = {}) {
  return { id: 'otp-1', type: OTP_TYPE, otp, ...members };
}

/** What redeems a credential offer; `tx_code` where it asks for one. */
export function offerItem(credentialOffer, members = {}) {
  const grant = credentialOffer.grants['urn:ietf:params:oauth:grant-type:pre-authorized_code'];
  return { id: 'offer', type: OFFER_TYPE, 'pre-authorized_code': grant['pre-authorized_code'], ...members };
}

/** That `session`, which has a verification, was on another device of the same holder. */
export function priorSessionItem({ sessionId, verificationId }, members = {}) {
  return { id: 'prior-session', type: PRIOR_SESSION_TYPE, sessionId, verificationId, ...members };
}

/** `presentations`: of each credential that the DCQL query of the request for `id` asks for, by the query's ids. */
export function presentationItem(id, presentations, members = {}) {
  return { id, type: PRESENTATION_TYPE, vp_token: presentations, ...members };
}

/** That the holder has been to the issuer's site. */
export function webItem(id, members = {}) {
  return { id, type: WEB_TYPE, ...members };
}
