// SPDX-License-Identifier: Apache-2.0
//
// The application API of a wallet gateway as its operator's backend meets it, with every answer held to the OpenAPI
// document and to the rules that all answers share.

import assert from 'node:assert/strict';
import { AppClient } from '../../interop/lib/app.mjs';
import { OpenApi } from '../../interop/lib/openapi.mjs';
import { assertProblemShape, UUID_PATTERN } from '../../interop/suite/support.mjs';

let document;

/** The document of the application API, read when it is first needed. */
export const appDocument = () => (document ??= OpenApi.read('wallet-app'));

/** The operations that any CheckedApp of this process has called, by `operationId`, with the statuses that it got. */
export const seenOperations = new Map();

function note({ operationId }, status) {
  if (!seenOperations.has(operationId)) seenOperations.set(operationId, new Set());
  seenOperations.get(operationId).add(status);
}

export class CheckedApp extends AppClient {
  async request(method, path, options = {}) {
    const response = await super.request(method, path, options);
    const { pathname } = new URL(path, this.url);
    const said = `${method} ${pathname}: ${response.status} ${response.text.slice(0, 2000)}`;
    assert.match(String(response.headers['cache-control']), /\bno-store\b/, said);
    if (UUID_PATTERN.test(options.requestId ?? '')) assert.equal(response.headers['x-request-id'], options.requestId);
    if (response.status >= 400) assertProblemShape(response);
    const operation = appDocument().find(method, pathname);
    if (operation !== undefined) {
      assert.deepEqual(appDocument().violations(operation, response), [], said);
      note(operation, response.status);
    }
    return response;
  }
}
