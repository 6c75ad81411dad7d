// SPDX-License-Identifier: Apache-2.0
//
// What a gateway serves, held to the OpenAPI document that describes it: which operation a request is, and whether an
// answer is one that the operation may give.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const FOLDER = fileURLToPath(new URL('../../../docs/openapi/', import.meta.url));
const ID = 'openapi';
const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

/** Of RFC 6901, for use in the fragment of a URI. */
const pointer = (...segments) =>
  segments.map((segment) => `/${encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');

const quote = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A template such as /v1/fetches/{fetchId} as a pattern. */
const asPattern = (template) => new RegExp(`^${template.split(/\{[^}]*\}/).map(quote).join('[^/]+')}$`);

const baseType = (contentType) => String(contentType ?? '').split(';')[0].trim().toLowerCase();

export class OpenApi {
  /** The document docs/openapi/NAME.json. */
  static read(name) {
    return new OpenApi(JSON.parse(readFileSync(`${FOLDER}${name}.json`, 'utf8')));
  }

  constructor(document) {
    this.document = document;
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema(document, ID);
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => method in item).map((method) => ({
        method: method.toUpperCase(),
        path,
        pattern: asPattern(path),
        at: pointer('paths', path, method),
        ...item[method],
      })),
    );
  }

  /** The operation of a request, else undefined. A path without parameters goes before one with. */
  find(method, pathname) {
    const fitting = this.operations.filter((it) => it.method === method && it.pattern.test(pathname));
    return fitting.find(({ path }) => path === pathname) ?? fitting[0];
  }

  /** `{ at, value }` of a member that may be a reference into the document. */
  follow(at, value) {
    if (value?.$ref === undefined) return { at, value };
    const segments = value.$ref.slice(2).split('/').map((it) => it.replaceAll('~1', '/').replaceAll('~0', '~'));
    return { at: pointer(...segments), value: segments.reduce((tree, segment) => tree?.[segment], this.document) };
  }

  /** What is wrong with an answer: a list of texts, empty when the document allows it. */
  violations(operation, { status, headers, text }) {
    const written = operation.responses[status] ?? operation.responses.default;
    if (written === undefined) return [`${operation.operationId} has no answer ${status}`];
    const { at, value } = this.follow(`${operation.at}${pointer('responses', String(status))}`, written);
    const missing = Object.entries(value.headers ?? {})
      .filter(([name, header]) => this.follow('', header).value.required && headers[name.toLowerCase()] === undefined)
      .map(([name]) => `there is no header ${name}`);
    const type = baseType(headers['content-type']);
    if (value.content === undefined) return text === '' ? missing : [...missing, 'there is a body'];
    if (value.content[type] === undefined) return [...missing, `the type of the answer ${status} is '${type}'`];
    const validate = this.ajv.compile({ $ref: `${ID}#${at}${pointer('content', type, 'schema')}` });
    validate(JSON.parse(text));
    return [...missing, ...(validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)];
  }
}
