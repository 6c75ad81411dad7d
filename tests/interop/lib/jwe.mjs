// SPDX-License-Identifier: Apache-2.0
//
// JSON Web Encryption (RFC 7516) with JOSE-HPKE (draft-ietf-jose-hpke-encrypt): compact, flattened and general
// serializations, key encryption (HPKE-n-KE) and integrated encryption (HPKE-n).

import './env.mjs';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import * as hpke from './hpke.mjs';
import { base64url, decodeJson, encodeJson, fromBase64url } from './jose.mjs';

const CONTENT_CIPHERS = { A128GCM: ['aes-128-gcm', 16], A256GCM: ['aes-256-gcm', 32] };
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
const NOTHING = Buffer.alloc(0);

// "JOSE-HPKE rcpt" 0xFF enc 0xFF, with empty extra info ("Key Encryption" of the draft).
const recipientInfo = (enc) =>
  Buffer.concat([Buffer.from('JOSE-HPKE rcpt'), Buffer.of(0xff), Buffer.from(enc), Buffer.of(0xff)]);

// The JWE Additional Authenticated Data (RFC 7516 section 5.1 step 14).
const additionalData = (protectedHeader, aad) =>
  Buffer.from(aad === undefined ? protectedHeader : `${protectedHeader}.${aad}`, 'ascii');

async function sealKeyEncryption(number, recipient, { header, aad, plaintext }) {
  const [cipherName, keyLength] = CONTENT_CIPHERS[header.enc] ?? CONTENT_CIPHERS.A128GCM;
  const cek = randomBytes(keyLength);
  const iv = randomBytes(IV_LENGTH);
  const wrapped = await hpke.seal(number, recipient, { info: recipientInfo(header.enc), aad: NOTHING, pt: cek });
  const protectedHeader = encodeJson({ ek: base64url(wrapped.enc), ...header });
  const cipher = createCipheriv(cipherName, cek, iv).setAAD(additionalData(protectedHeader, aad));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { protectedHeader, encryptedKey: wrapped.ct, iv, ciphertext, tag: cipher.getAuthTag() };
}

async function sealIntegrated(number, recipient, { header, aad, plaintext }) {
  const protectedHeader = encodeJson(header);
  const sealed = await hpke.seal(number, recipient, {
    info: NOTHING,
    aad: additionalData(protectedHeader, aad),
    pt: plaintext,
  });
  return { protectedHeader, encryptedKey: sealed.enc, iv: NOTHING, ciphertext: sealed.ct, tag: NOTHING };
}

const SERIALIZERS = {
  compact: (sealed) =>
    [sealed.protectedHeader, ...[sealed.encryptedKey, sealed.iv, sealed.ciphertext, sealed.tag].map(base64url)].join(
      '.',
    ),
  flattened: (sealed, aad) => {
    const jwe = { protected: sealed.protectedHeader, encrypted_key: base64url(sealed.encryptedKey) };
    if (aad !== undefined) jwe.aad = aad;
    if (sealed.iv.length) jwe.iv = base64url(sealed.iv);
    jwe.ciphertext = base64url(sealed.ciphertext);
    if (sealed.tag.length) jwe.tag = base64url(sealed.tag);
    return jwe;
  },
  general: (sealed, aad) => {
    const { encrypted_key, ...rest } = SERIALIZERS.flattened(sealed, aad);
    return { ...rest, recipients: [{ encrypted_key }] };
  },
};

/**
 * Encrypt `plaintext` (bytes or text) to the public JWK `recipient`.
 *
 * `alg` defaults to the key's; `enc` to A128GCM for key encryption and to none for integrated encryption; `form` is
 * compact, flattened or general; `aad` (bytes or text) needs one of the latter two. `header` adds members to the
 * protected header, or takes them away when undefined.
 */
export async function sealJwe(
  recipient,
  plaintext,
  { alg = recipient.alg, enc, form = 'compact', aad, header = {} } = {},
) {
  const { number, keyEncryption } = hpke.suiteOf(alg);
  const members = { alg };
  if (recipient.kid !== undefined) members.kid = recipient.kid;
  if (keyEncryption) members.enc = enc ?? 'A128GCM';
  else if (enc !== undefined) members.enc = enc;
  const request = {
    header: { ...members, ...header },
    aad: aad === undefined ? undefined : base64url(aad),
    plaintext: Buffer.from(plaintext),
  };
  const sealed = await (keyEncryption ? sealKeyEncryption : sealIntegrated)(number, recipient, request);
  return SERIALIZERS[form](sealed, request.aad);
}

/** The members of a JWE in any serialization, as one flattened object. */
function flatten(jwe) {
  if (typeof jwe === 'string') {
    const [protectedHeader, encrypted_key, iv, ciphertext, tag] = jwe.split('.');
    return { protected: protectedHeader, encrypted_key, iv, ciphertext, tag };
  }
  const { recipients, ...rest } = jwe;
  return recipients ? { ...rest, ...recipients[0] } : jwe;
}

/** The protected header of a JWE in any serialization. */
export function jweHeader(jwe) {
  return decodeJson(flatten(jwe).protected);
}

/** Decrypt with the private JWK: `{ header, plaintext }`. Rejects when anything does not fit. */
export async function openJwe(jwe, jwk) {
  const parts = flatten(jwe);
  const header = decodeJson(parts.protected);
  const { number, keyEncryption } = hpke.suiteOf(header.alg);
  const aad = additionalData(parts.protected, parts.aad);
  const encryptedKey = fromBase64url(parts.encrypted_key);
  const ciphertext = fromBase64url(parts.ciphertext);
  if (!keyEncryption) {
    const plaintext = await hpke.open(number, jwk, { enc: encryptedKey, info: NOTHING, aad, ct: ciphertext });
    return { header, plaintext };
  }
  const [cipherName] = CONTENT_CIPHERS[header.enc];
  const cek = await hpke.open(number, jwk, {
    enc: fromBase64url(header.ek),
    info: recipientInfo(header.enc),
    aad: NOTHING,
    ct: encryptedKey,
  });
  const tag = fromBase64url(parts.tag);
  if (tag.length !== TAG_LENGTH) throw new Error('wrong length of tag');
  const decipher = createDecipheriv(cipherName, cek, fromBase64url(parts.iv)).setAAD(aad).setAuthTag(tag);
  return { header, plaintext: Buffer.concat([decipher.update(ciphertext), decipher.final()]) };
}
