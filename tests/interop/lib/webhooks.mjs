// SPDX-License-Identifier: Apache-2.0
//
// The operator's own end of the webhooks: a server that verifies each one with the reference library of Standard
// Webhooks, keeps it, and answers as it is told.

import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

const HOST = '127.0.0.1';

/** A new signing secret, as it stands in a file of the gateway's. */
export const newWebhookSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/** What `verify` says of a message: its JSON. Throws when the signature or the time does not fit. */
export const verifyWebhook = (secret, { text, headers }) => new Webhook(secret).verify(text, headers);

const usual = () => ({ status: 204 });

export class WebhookReceiver {
  /** `tls`: `{ cert, key }` of its server; without, it speaks plain HTTP. It knows the sender's `secrets`. */
  static async start({ secrets, tls, port = 0 }) {
    const receiver = new WebhookReceiver();
    Object.assign(receiver, { secrets, tls, port, messages: [], answer: usual, failures: [] });
    await receiver.listen();
    return receiver;
  }

  get url() {
    return `${this.tls ? 'https' : 'http'}://${HOST}:${this.port}/webhooks`;
  }

  async listen() {
    const onRequest = (request, response) => this.receive(request, response);
    this.server = this.tls ? https.createServer(this.tls, onRequest) : http.createServer(onRequest);
    this.server.listen(this.port, HOST);
    this.server.unref(); // a test that fails leaves it open
    await once(this.server, 'listening');
    this.port = this.server.address().port;
  }

  /** As if it were not running; `listen` brings it back to the same address. */
  async close() {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  /**
   * What it answers from now on: `decide(message)` gives `{ status, body, headers, delay }`, with `text` for what is no
   * JSON, or null to say nothing for ever. Without, 204.
   */
  behave(decide = usual) {
    this.answer = decide;
  }

  /** Which of our secrets signed it, and its JSON; null when none did. */
  verify(message) {
    for (const secret of this.secrets) {
      try {
        return { secret, json: verifyWebhook(secret, message) };
      } catch {
        // the next one
      }
    }
    return null;
  }

  async receive(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the sender left
    }
    const message = { at: Date.now(), method: request.method, path: request.url, headers: request.headers };
    message.text = Buffer.concat(chunks).toString('utf8');
    message.id = request.headers['webhook-id'];
    const verified = this.verify(message);
    Object.assign(message, { secret: verified?.secret, ...verified?.json });
    if (!verified) this.failures.push(message);
    const answer = this.answer(message);
    if (answer === null) return;
    message.status = answer.status;
    this.messages.push(message);
    const send = () => {
      const body = answer.body === undefined ? answer.text : JSON.stringify(answer.body);
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(body);
    };
    if (answer.delay) setTimeout(send, answer.delay);
    else send();
  }

  /** The messages of a type (all without one) for which `about` is true, oldest first, whatever was answered. */
  received(type, about = () => true) {
    return this.messages.filter((message) => (type === undefined || message.type === type) && about(message.data));
  }
}
