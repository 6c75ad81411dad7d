// SPDX-License-Identifier: Apache-2.0
//
// Verify SD-JWT VCs with software that the gateway does not know: the @sd-jwt packages, and node:crypto for the chain.

import './env.mjs';
import { createHash, createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { decodeJson, fromBase64url, signRaw } from './jose.mjs';

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The leaf of an `x5c` header, after checking each signature, name and validity up to one of the anchors in the PEM
 * text `trustAnchors` (RFC 5280 section 6, as far as a short chain without constraints needs it).
 */
export function verifyChain(x5c, trustAnchors, now = new Date()) {
  if (!Array.isArray(x5c) || x5c.length === 0) throw new Error('x5c is missing or empty');
  const chain = x5c.map((der) => new X509Certificate(Buffer.from(der, 'base64')));
  const anchors = (String(trustAnchors).match(PEM_CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
  for (const certificate of chain) {
    if (now < new Date(certificate.validFrom) || now > new Date(certificate.validTo)) {
      throw new Error(`certificate of ${certificate.subject} is not valid now`);
    }
  }
  const issuedBy = (certificate, issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  for (let i = 0; i + 1 < chain.length; i++) {
    if (!issuedBy(chain[i], chain[i + 1])) throw new Error(`${chain[i].subject} is not issued by the next of x5c`);
  }
  const last = chain[chain.length - 1];
  const anchored = anchors.some((anchor) => anchor.fingerprint256 === last.fingerprint256 || issuedBy(last, anchor));
  if (!anchored) throw new Error(`${last.subject} is not issued by a trust anchor`);
  return chain[0];
}

const HASHES = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512', EdDSA: null, Ed25519: null };

/** Whether the JOSE signature (base64url) over `data` verifies with `publicKey`. Unknown algorithms never do. */
function verifySignature(alg, publicKey, data, signature) {
  if (!(alg in HASHES)) return false;
  return verify(
    HASHES[alg],
    Buffer.from(data),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    fromBase64url(signature),
  );
}

const hasher = (data, alg) => createHash(alg.replace('-', '')).update(data).digest();
const saltGenerator = (length) => randomBytes(length).toString('hex').slice(0, length);

/**
 * Verify a credential: the chain of its `x5c` up to `trustAnchors` (PEM), the signature with the leaf, times, and every
 * disclosure's digest. Resolves to `{ header, payload, claims, disclosures }`; `payload` is the JWT as signed and
 * `claims` the same with all disclosures put back.
 */
export async function verifyCredential(credential, { trustAnchors }) {
  const header = decodeJson(credential.split('.')[0]);
  const leaf = verifyChain(header.x5c, trustAnchors);
  const verifier = (data, signature) => verifySignature(header.alg, leaf.publicKey, data, signature);
  const sdjwt = new SDJwtVcInstance({ verifier, hasher, hashAlg: 'sha-256' });
  const { payload: claims } = await sdjwt.verify(credential);
  const [jwt, ...rest] = credential.split('~');
  const disclosures = rest.filter(Boolean).map((text) => {
    const [salt, ...named] = decodeJson(text);
    return { salt, name: named.length === 2 ? named[0] : undefined, value: named[named.length - 1], encoded: text };
  });
  return { header, payload: decodeJson(jwt.split('.')[1]), claims, disclosures };
}

/** Present `credential` to a verifier: only the claims of `frame`, with a key-binding JWT by `holderKey`. */
export async function presentCredential(credential, { frame, holderKey, aud, nonce }) {
  const sdjwt = new SDJwtVcInstance({
    hasher,
    hashAlg: 'sha-256',
    saltGenerator,
    kbSigner: (data) => signRaw(holderKey, data).toString('base64url'),
    kbSignAlg: holderKey.alg,
  });
  const payload = { iat: Math.floor(Date.now() / 1000), aud, nonce };
  return sdjwt.present(credential, frame, { kb: { payload } });
}

/** Verify a presentation as its verifier: as verifyCredential, plus the key-binding JWT with the `cnf` key. */
export async function verifyPresentation(presentation, { trustAnchors, nonce }) {
  const header = decodeJson(presentation.split('.')[0]);
  const leaf = verifyChain(header.x5c, trustAnchors);
  const sdjwt = new SDJwtVcInstance({
    hasher,
    hashAlg: 'sha-256',
    verifier: (data, signature) => verifySignature(header.alg, leaf.publicKey, data, signature),
    kbVerifier: (data, signature, payload) => {
      const { alg } = decodeJson(data.split('.')[0]);
      const key = createPublicKey({ key: payload.cnf.jwk, format: 'jwk' });
      return verifySignature(alg, key, data, signature);
    },
  });
  const { payload: claims, kb } = await sdjwt.verify(presentation, { keyBindingNonce: nonce });
  return { claims, keyBinding: kb.payload };
}
