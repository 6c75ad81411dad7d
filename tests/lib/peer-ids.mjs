// SPDX-License-Identifier: Apache-2.0
//
// The ids that the misbehaving peer gives when it plays an issuer: made of those that it is asked about, so that it
// needs no memory, and that a test knows them beforehand.

import { createHash } from 'node:crypto';

/** A UUID that is always the same for the same text. */
function uuidOf(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-4$3-8$4-$5');
}

export const verificationIdOf = (sessionId) => uuidOf(`verification of ${sessionId}`);

export const instanceIdOf = (sessionId) => uuidOf(`instance of ${sessionId}`);
