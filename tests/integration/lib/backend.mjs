// SPDX-License-Identifier: Apache-2.0
//
// A program of the issuer's that decides: a receiver of Standard Webhooks that verifies each question, keeps it, and
// answers as it is told, by credential configuration.

import { newWebhookSecret, WebhookReceiver } from '../../interop/lib/webhooks.mjs';

const SECRET_FILE = 'keys/backend.secret';

/** Start one; `answer(data, message)` gives `{ status, body, … }` as WebhookReceiver.behave wants it. */
export async function startBackend(answer) {
  const backend = await WebhookReceiver.start({ secrets: [newWebhookSecret()] });
  backend.behave((message) => answer(message.data, message));
  return backend;
}

/** Make a backend known to a configuration, under `name`. */
export function useBackend(config, gateway, name, backend, members = {}) {
  const file = SECRET_FILE.replace('backend', name);
  gateway.write(file, backend.secrets[0]);
  config.backends = [...(config.backends ?? []), { name, url: backend.url, secrets: [file], ...members }];
}

/** The questions about a verification, oldest first. */
export const questions = (backend, { verificationId }) =>
  backend.received('verification.decide', (data) => data.verificationId === verificationId);

export const decision = (body) => ({ status: 200, body });
