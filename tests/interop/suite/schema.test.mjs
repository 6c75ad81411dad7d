// SPDX-License-Identifier: Apache-2.0
//
// Each member of each request, wrong in each way: tables of members on the left, ways to be wrong on the right
// (profile sections 2 to 5).

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertViolations, connect, plantSecret } from './support.mjs';

const wallet = await connect();
const { session, instances } = await wallet.approvedSession();
const [instanceId] = instances;
const pending = wallet.newSession();
assertOk(await wallet.initiate(pending, { configurations: ['badge_review'] }));

const LONG = 'a'.repeat(100_000);

/** What is wrong for every member of a kind: [description, value]. */
const WRONG = {
  string: [
    ['a number', 1],
    ['a boolean', true],
    ['an array', ['x']],
    ['an object', {}],
    ['too long', LONG],
  ],
  uuid: [
    ['a number', 1],
    ['an object', {}],
    ['a word', 'word'],
    ['too long', LONG],
    ['empty', ''],
  ],
  dateTime: [
    ['a number', 0],
    ['a word', 'yesterday'],
    ['a date', '2026-01-01'],
    ['no such month', '2026-13-01T00:00:00Z'],
    ['no zone', '2026-01-01T00:00:00'],
  ],
  language: [
    ['a number', 1],
    ['not a tag', 'not a language tag!'],
    ['too long', LONG],
  ],
  action: [
    ['a number', 1],
    ['unknown', 'DESTROY'],
    ['lower case', 'suspend'],
    ['empty', ''],
  ],
  object: [
    ['a string', 'x'],
    ['an array', []],
    ['a number', 1],
    ['a boolean', false],
  ],
  array: [
    ['a string', 'x'],
    ['an object', {}],
    ['a number', 1],
    ['too many', Array.from({ length: 10_000 }, (_, i) => `x${i}`)],
  ],
  count: [
    ['a string', '1'],
    ['zero', 0],
    ['negative', -1],
    ['a fraction', 1.5],
    ['huge', 1e30],
    ['an array', [1]],
  ],
};

const NOT_EMPTY = new Set(['string', 'uuid', 'dateTime', 'action']);

const id = (name) => ({ name, kind: 'string', required: true });
const uuid = (name) => ({ name, kind: 'uuid', required: true });
const optional = (name, kind) => ({ name, kind, required: false });
const extensions = optional('extensions', 'object');

const ENDPOINTS = {
  initiate: {
    body: () => wallet.initiateBody(wallet.newSession()),
    members: [
      uuid('sessionId'),
      { name: 'credentialConfigurationIds', kind: 'array', required: true },
      { name: 'walletSigningKeyData', kind: 'object', required: true },
      id('verificationNonce'),
      optional('verificationData', 'object'),
      optional('supportedVerificationTypes', 'array'),
      optional('requestedDeviceCount', 'count'),
      optional('locale', 'language'),
      extensions,
    ],
  },
  supplement: {
    body: () => wallet.supplementBody(pending),
    members: [
      id('sessionId'),
      id('verificationId'),
      { name: 'verificationDataPayload', kind: 'object', required: true },
      extensions,
    ],
  },
  status: { body: () => wallet.verificationRef(session), members: [id('sessionId'), id('verificationId'), extensions] },
  cancel: {
    body: () => wallet.cancelBody(pending),
    members: [id('sessionId'), id('verificationId'), id('reason'), extensions],
  },
  provision: {
    body: () => wallet.verificationRef(session),
    members: [id('sessionId'), id('verificationId'), extensions],
  },
  get: {
    body: () => wallet.getBody(session, instanceId),
    members: [
      id('sessionId'),
      id('credentialInstanceId'),
      id('reason'),
      { name: 'walletEncryptionKey', kind: 'object', required: true },
      { name: 'clientEncryptedData', kind: 'object', required: true },
      optional('currentCredentialMetadataVersion', 'string'),
      optional('transaction_id', 'string'),
      extensions,
    ],
  },
  metadata: {
    body: () => wallet.metadataBody(session, instanceId),
    members: [
      id('sessionId'),
      id('credentialInstanceId'),
      { name: 'walletEncryptionKey', kind: 'object', required: true },
      optional('credentialMetadataVersion', 'string'),
      extensions,
    ],
  },
  credentialStatus: {
    body: () => wallet.instanceRef(session, instanceId),
    members: [id('sessionId'), id('credentialInstanceId'), extensions],
  },
  manage: {
    body: () => wallet.instanceRef(session, instanceId, { action: 'RESUME' }),
    members: [
      id('sessionId'),
      id('credentialInstanceId'),
      { name: 'action', kind: 'action', required: true },
      optional('reason', 'string'),
      optional('reasonDetail', 'string'),
      optional('timestamp', 'dateTime'),
      extensions,
    ],
  },
  event: {
    body: () =>
      wallet.instanceRef(session, instanceId, {
        eventType: 'UPDATE_REMINDER',
        eventTimestamp: new Date().toISOString(),
      }),
    members: [
      id('sessionId'),
      id('credentialInstanceId'),
      id('eventType'),
      { name: 'eventTimestamp', kind: 'dateTime', required: true },
      optional('triggeringRequestId', 'uuid'),
      optional('eventDetails', 'object'),
      extensions,
    ],
  },
};

/** Every way in which one member is wrong. */
function* mistakes({ kind, required }) {
  if (required) yield ['missing', undefined];
  yield ['null', null];
  if (required && NOT_EMPTY.has(kind)) yield ['empty', ''];
  for (const [description, value] of WRONG[kind]) if (description !== 'empty' || !required) yield [description, value];
}

for (const [name, { body, members }] of Object.entries(ENDPOINTS)) {
  describe(name, () => {
    test('the body that the mistakes are made in is a good one', async () => {
      const response = await wallet.call(PATHS[name], await body());
      assert.ok([200, 409].includes(response.status), response.text);
    });

    for (const member of members) {
      for (const [description, value] of mistakes(member)) {
        test(`${member.name}: ${description}`, async () => {
          const request = { ...(await body()), [member.name]: value };
          // An array that is too long is reported at itself, or at its items when they are what is wrong.
          const pointer = `/${member.name}${description === 'too many' ? '*' : ''}`;
          assertViolations(await wallet.call(PATHS[name], request), pointer);
        });
      }
    }

    test('an empty object names every required member at once', async () => {
      const required = members.filter((member) => member.required && member.name !== 'clientEncryptedData');
      assertViolations(await wallet.call(PATHS[name], {}), ...required.map((member) => `/${member.name}`));
    });

    test('all members wrong are all named at once', async () => {
      const wrong = Object.fromEntries(members.map((member) => [member.name, null]));
      assertViolations(await wallet.call(PATHS[name], wrong), ...members.map((member) => `/${member.name}`));
    });
  });
}

describe('items of arrays', () => {
  const initiateWith = async (members) =>
    wallet.call(PATHS.initiate, { ...(await wallet.initiateBody(wallet.newSession())), ...members });

  const ids = (...credentialConfigurationIds) => ({ credentialConfigurationIds });
  const CASES = [
    ['no credential configuration', ids(), '/credentialConfigurationIds'],
    ['a configuration that is null', ids(null), '/credentialConfigurationIds/0'],
    ['a configuration that is a number', ids('badge_auto', 7), '/credentialConfigurationIds/1'],
    ['an empty configuration', ids(''), '/credentialConfigurationIds/0'],
    ['an unknown configuration', ids('badge_unknown'), '/credentialConfigurationIds/0'],
    ['an unknown configuration after a known one', ids('badge_auto', 'BADGE_AUTO'), '/credentialConfigurationIds/1'],
    ['a configuration twice', ids('badge_auto', 'badge_auto'), '/credentialConfigurationIds*'],
    ['a verification type that is a number', { supportedVerificationTypes: ['a', 1] }, '/supportedVerificationTypes/1'],
    ['a verification type that is null', { supportedVerificationTypes: [null] }, '/supportedVerificationTypes/0'],
  ];
  for (const [name, members, pointer] of CASES) {
    test(name, async () => {
      assertViolations(await initiateWith(members), pointer);
    });
  }

  test('several items wrong are all named', async () => {
    const response = await initiateWith({
      supportedVerificationTypes: [1, 'a', null, {}],
      locale: 5,
      requestedDeviceCount: 0,
    });
    const items = [0, 2, 3].map((index) => `/supportedVerificationTypes/${index}`);
    assertViolations(response, ...items, '/locale', '/requestedDeviceCount');
  });
});

const KEY_DATA = [
  { name: 'keyType', kind: 'string', required: true },
  { name: 'client_public_key', kind: 'object', required: true },
  { name: 'attestation', kind: 'object', required: false },
  { name: 'purpose', kind: 'string', required: false },
  extensions,
];

const JWE_PAYLOAD = [
  { name: 'jwe', required: true, kind: 'jwe' },
  { name: 'origin', required: true, kind: 'origin' },
  { name: 'purpose', required: false, kind: 'string' },
  extensions,
];

const DATA_ITEM = [
  { name: 'id', required: true, kind: 'string' },
  { name: 'type', required: true, kind: 'string' },
  extensions,
];

Object.assign(WRONG, {
  jwe: [
    ['a number', 1],
    ['an array', []],
    ['a boolean', true],
  ],
  origin: [
    ['a number', 1],
    ['unknown', 'NOBODY'],
    ['lower case', 'wallet_client'],
    ['empty', ''],
  ],
});

/** Structures inside of requests: where they stand, and how a request with a changed one is made. */
const STRUCTURES = {
  'KeyData of the WSK': {
    members: KEY_DATA,
    pointer: '/walletSigningKeyData',
    send: async (change) => {
      const body = await wallet.initiateBody(wallet.newSession());
      change(body.walletSigningKeyData);
      return wallet.call(PATHS.initiate, body);
    },
  },
  'KeyData of the WEK': {
    members: KEY_DATA,
    pointer: '/walletEncryptionKey',
    send: async (change) => {
      const body = await wallet.getBody(session, instanceId);
      change(body.walletEncryptionKey);
      return wallet.call(PATHS.get, body);
    },
  },
  'JweEncryptedPayload of a get': {
    members: JWE_PAYLOAD,
    pointer: '/clientEncryptedData',
    send: async (change) => {
      const body = await wallet.getBody(session, instanceId);
      change(body.clientEncryptedData);
      return wallet.call(PATHS.get, body);
    },
  },
  'JweEncryptedPayload of an initiate': {
    members: JWE_PAYLOAD,
    pointer: '/verificationData/clientEncryptedPayload/0',
    send: async (change) => {
      const body = await wallet.initiateBody(wallet.newSession(), { items: [{ id: 'x', type: 'y' }] });
      change(body.verificationData.clientEncryptedPayload[0]);
      return wallet.call(PATHS.initiate, body);
    },
  },
  'server VerificationDataItem of a supplement': {
    members: DATA_ITEM,
    pointer: '/verificationDataPayload/serverVerificationDataItem/1',
    send: async (change) => {
      const items = [
        { id: 'a', type: 'y' },
        { id: 'b', type: 'y' },
      ];
      const body = await wallet.supplementBody(pending, { serverItems: items });
      change(body.verificationDataPayload.serverVerificationDataItem[1]);
      return wallet.call(PATHS.supplement, body);
    },
  },
};

for (const [name, { members, pointer, send }] of Object.entries(STRUCTURES)) {
  describe(name, () => {
    for (const member of members) {
      for (const [description, value] of mistakes(member)) {
        test(`${member.name}: ${description}`, async () => {
          const response = await send((structure) => {
            if (value === undefined) delete structure[member.name];
            else structure[member.name] = value;
          });
          assertViolations(response, `${pointer}/${member.name}`);
        });
      }
    }
  });
}

describe('VerificationDataResponse', () => {
  const CASES = [
    ['clientEncryptedPayload is no array', { clientEncryptedPayload: {} }, '/clientEncryptedPayload'],
    ['clientEncryptedPayload is null', { clientEncryptedPayload: null }, '/clientEncryptedPayload'],
    ['a payload is null', { clientEncryptedPayload: [null] }, '/clientEncryptedPayload/0'],
    ['a payload is a string', { clientEncryptedPayload: ['a.b.c.d.e'] }, '/clientEncryptedPayload/0'],
    ['serverVerificationDataItem is no array', { serverVerificationDataItem: 'x' }, '/serverVerificationDataItem'],
    ['a server item is null', { serverVerificationDataItem: [null] }, '/serverVerificationDataItem/0'],
    ['additionalAssessments is no array', { additionalAssessments: {} }, '/additionalAssessments'],
    ['an assessment is a number', { additionalAssessments: [{}, 1] }, '/additionalAssessments/1'],
    ['extensions is an array', { extensions: [] }, '/extensions'],
    [
      'an id twice from the server',
      {
        serverVerificationDataItem: [
          { id: 'a', type: 'x' },
          { id: 'a', type: 'x' },
        ],
      },
      '/serverVerificationDataItem*',
    ],
  ];
  for (const [name, payload, pointer] of CASES) {
    test(`supplement: ${name}`, async () => {
      const body = { ...wallet.verificationRef(pending), verificationDataPayload: payload };
      assertViolations(await wallet.call(PATHS.supplement, body), `/verificationDataPayload${pointer}`);
    });
    test(`initiate: ${name}`, async () => {
      const body = await wallet.initiateBody(wallet.newSession(), { body: { verificationData: payload } });
      assertViolations(await wallet.call(PATHS.initiate, body), `/verificationData${pointer}`);
    });
  }
});

describe('all that is wrong is told at once: what only the issuer knows beside what the schema says', () => {
  const repeated = ['a', 'b', 'a', 'c', 'b'].map((id) => ({ id, type: 'x' }));
  const expected = (base) => [`${base}/serverVerificationDataItem/2`, `${base}/serverVerificationDataItem/4`];

  test('of an initiate', async () => {
    const session = wallet.newSession();
    const body = await wallet.initiateBody(session, {
      body: {
        credentialConfigurationIds: ['badge_auto', 'badge_unknown', 'badge_auto2'],
        verificationData: { serverVerificationDataItem: repeated },
        locale: '_',
      },
    });
    body.walletSigningKeyData.client_public_key.d = session.wsk.d;
    const pointers = assertViolations(await wallet.call(PATHS.initiate, body));
    assert.deepEqual(pointers.sort(), [
      '/credentialConfigurationIds/1',
      '/credentialConfigurationIds/2',
      '/locale',
      ...expected('/verificationData'),
      '/walletSigningKeyData/client_public_key',
    ]);
  });

  test('of a supplement', async () => {
    const verificationDataPayload = { serverVerificationDataItem: repeated };
    const body = { ...wallet.verificationRef(pending), extensions: 1, verificationDataPayload };
    const pointers = assertViolations(await wallet.call(PATHS.supplement, body));
    assert.deepEqual(pointers.sort(), ['/extensions', ...expected('/verificationDataPayload')]);
  });
});

describe('what is well formed is accepted', () => {
  const GOOD = {
    'a locale': { locale: 'de-CH-1996' },
    'a long locale': { locale: 'zh-Hans-CN' },
    'several devices': { requestedDeviceCount: 5 },
    'verification types': { supportedVerificationTypes: ['urn:s2s-gateway:verification:otp', 'com.example.other'] },
    'no verification types': { supportedVerificationTypes: [] },
    'empty verification data': { verificationData: {} },
    assessments: { verificationData: { additionalAssessments: [{ score: 1 }] } },
    'unknown members': { credentialConfigurationIDs: 5, x: null },
  };
  for (const [name, members] of Object.entries(GOOD)) {
    test(name, async () => {
      assertOk(await wallet.initiate(wallet.newSession(), { body: members }));
    });
  }

  test('a sessionId in upper case, and it stays so', async () => {
    const upper = wallet.newSession({ sessionId: randomUUID().toUpperCase() });
    assert.equal(assertOk(await wallet.initiate(upper)).sessionId, upper.sessionId);
    assertOk(await wallet.status(upper));
  });
});

test('a validation problem never quotes the value', async () => {
  const secret = plantSecret('validation');
  const body = await wallet.initiateBody(wallet.newSession(), {
    body: {
      sessionId: secret,
      locale: `${secret} !`,
      verificationData: { clientEncryptedPayload: [{ jwe: 1, origin: secret }] },
    },
  });
  const response = await wallet.call(PATHS.initiate, body);
  assertViolations(response, '/sessionId', '/locale');
  assert.ok(!response.text.includes(secret), response.text);
});
