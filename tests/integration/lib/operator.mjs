// SPDX-License-Identifier: Apache-2.0
//
// The operators' API as an operator's program meets it, with every answer held to the OpenAPI document and to the rules
// that all answers share.

import assert from 'node:assert/strict';
import { HttpClient } from '../../interop/lib/http.mjs';
import { OpenApi } from '../../interop/lib/openapi.mjs';
import { OperatorClient } from '../../interop/lib/operator.mjs';
import { assertProblemShape } from '../../interop/suite/support.mjs';
import { hashOfToken } from './config.mjs';

let document;

/** The document of the operators' API, read when it is first needed. */
export const operatorsDocument = () => (document ??= OpenApi.read('admin'));

/** The operations that any CheckedOperator of this process has called, by `operationId`, with the statuses that it got. */
export const seenOperations = new Map();

/** A token of each role. */
export const TOKENS = { read: 'the-token-of-a-reader', review: 'the-token-of-a-reviewer', operate: 'the-token-of-an-operator' };

/** Give a configuration these tokens; their names are their roles. */
export function withTokens(config, tokens = TOKENS) {
  const rows = Object.entries(tokens).map(([role, token]) => ({ name: role, sha256: hashOfToken(token), role }));
  config.listeners.admin.tokens = rows;
}

export class CheckedOperator extends OperatorClient {
  /** An operator of this role at a gateway whose configuration has `withTokens`. */
  static of(gateway, role = 'operate') {
    return new CheckedOperator({ url: gateway.admin, token: TOKENS[role], client: new HttpClient(undefined) });
  }

  async request(method, path, options = {}) {
    const response = await super.request(method, path, options);
    const { pathname } = new URL(path, this.url);
    const said = `${method} ${pathname}: ${response.status} ${response.text.slice(0, 2000)}`;
    assert.match(String(response.headers['cache-control']), /\bno-store\b/, said);
    if (response.status >= 400) assertProblemShape(response);
    const operation = operatorsDocument().find(method, pathname);
    if (operation === undefined) return response;
    assert.deepEqual(operatorsDocument().violations(operation, response), [], said);
    const statuses = seenOperations.get(operation.operationId) ?? new Set();
    seenOperations.set(operation.operationId, statuses.add(response.status));
    return response;
  }

  put(path, body, options = {}) {
    return this.request('PUT', path, { ...options, body });
  }

  /** All rows of a list, page by page; `limit` is the size of the pages. */
  async all(path, member, { limit = 200, ...query } = {}) {
    const rows = [];
    for (let cursor; ; ) {
      const { status, text, json } = await this.get(path, cursor ? { ...query, limit, cursor } : { ...query, limit });
      assert.equal(status, 200, text);
      assert.ok(json[member].length <= limit, `${json[member].length} rows`);
      rows.push(...json[member]);
      cursor = json.nextCursor;
      if (cursor === undefined) return rows;
    }
  }
}
