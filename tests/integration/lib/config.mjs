// SPDX-License-Identifier: Apache-2.0
//
// The configuration that tests start from, as an object; a file of it is written as JSON, which is YAML too.

const SIGNING = { key: 'pki/signer.key', certificate: 'pki/signer.crt' };

const badge = (id, verification, members = {}) => ({
  id,
  vct: 'https://issuer.example/vct/badge',
  signing: { ...SIGNING },
  claims: [{ name: 'employee_id', disclosure: 'always' }, { name: 'given_name' }, { name: 'department' }],
  dataset: { file: 'datasets/badge.json' },
  verification,
  ...members,
});

const OTP_ITEM = {
  id: 'otp-1',
  type: 'urn:s2s-gateway:verification:otp',
  member: 'otp',
  expected: '123456',
  mismatch_reason: 'OTP_MISMATCH',
};

/** Paths are relative to the gateway's folder (see gateway.mjs). */
export const baseConfig = ({ ports, databaseUrl }) => ({
  workers: 2,
  issuer: {
    identifier: `https://127.0.0.1:${ports.s2s}`,
    url: `https://127.0.0.1:${ports.s2s}`,
    encryption_keys: [{ file: 'keys/hpke-0-ke.jwk' }],
    metadata_signing: { key: 'pki/metadata.key', certificate: 'pki/metadata.crt' },
  },
  listeners: {
    s2s: {
      address: '127.0.0.1',
      port: ports.s2s,
      certificate: 'pki/server.crt',
      key: 'pki/server.key',
      client_ca: ['pki/ca.crt'],
      crl: ['pki/ca.crl'],
    },
    public: { address: '127.0.0.1', port: ports.public, certificate: 'pki/server.crt', key: 'pki/server.key' },
    admin: { address: '127.0.0.1', port: ports.admin },
  },
  database: { url: databaseUrl },
  jobs: { poll: '200ms' },
  limits: { drain_timeout: '10s' },
  data_keys: ['keys/data-1.key'],
  peers: [
    { name: 'wallet', identity: [{ san_dns: 'wallet.example' }] },
    { name: 'other-wallet', identity: [{ san_uri: 'https://other-wallet.example' }] },
  ],
  credential_configurations: [
    badge('badge_auto', { decision: 'approve' }),
    badge('badge_info', { decision: 'approve', max_attempts: 3, items: [OTP_ITEM] }),
    badge('badge_review', { decision: 'review' }),
  ],
});

/** The line of `text` (the first one that contains it) in a configuration as `configText` writes it. */
export const lineOf = (configText, text) => configText.slice(0, configText.indexOf(text)).split('\n').length;

export const configText = (config) => `${JSON.stringify(config, null, 2)}\n`;
