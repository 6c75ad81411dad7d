// SPDX-License-Identifier: Apache-2.0
//
// The configurations that tests start from, one for each role, as objects; a file of one is written as JSON, which is
// YAML too. Paths in them are relative to the gateway's folder (see gateway.mjs).

import { createHash } from 'node:crypto';

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

const ADDRESS = '127.0.0.1';

const TLS_SERVER = { address: ADDRESS, certificate: 'pki/server.crt', key: 'pki/server.key' };

/** A listener that wants client certificates. */
const mutual = (port) => ({ ...TLS_SERVER, port, client_ca: ['pki/ca.crt'], crl: ['pki/ca.crl'] });

/** What every gateway needs, whatever its role. */
const common = ({ ports, databaseUrl }) => ({
  workers: 2,
  listeners: { admin: { address: ADDRESS, port: ports.admin } },
  database: { url: databaseUrl },
  jobs: { poll: '200ms' },
  limits: { drain_timeout: '10s' },
  data_keys: ['keys/data-1.key'],
});

const issuerConfig = (place) => {
  const config = common(place);
  const { ports } = place;
  return {
    ...config,
    issuer: {
      identifier: `https://${ADDRESS}:${ports.s2s}`,
      url: `https://${ADDRESS}:${ports.s2s}`,
      encryption_keys: [{ file: 'keys/hpke-0-ke.jwk' }],
      metadata_signing: { key: 'pki/metadata.key', certificate: 'pki/metadata.crt' },
    },
    listeners: { s2s: mutual(ports.s2s), public: { ...TLS_SERVER, port: ports.public }, ...config.listeners },
    peers: [
      { name: 'wallet', identity: [{ san_dns: 'wallet.example' }] },
      { name: 'other-wallet', identity: [{ san_uri: 'https://other-wallet.example' }] },
    ],
    credential_configurations: [
      badge('badge_auto', { decision: 'approve' }),
      badge('badge_info', { decision: 'approve', max_attempts: 3, items: [OTP_ITEM] }),
      badge('badge_review', { decision: 'review' }),
    ],
  };
};

/** The token of the wallet operator's backend; the configuration has only its hash. */
export const APP_TOKEN = 'the-token-of-the-tests-backend';

/** What the configuration has of a token. */
export const hashOfToken = (token) => createHash('sha256').update(token).digest('hex');

/** Its peers, the issuers, are added by whoever has some. */
const walletConfig = (place) => {
  const config = common(place);
  const { ports } = place;
  return {
    ...config,
    role: 'wallet',
    wallet: {
      url: `https://${ADDRESS}:${ports.wallet}`,
      poll: { first: '200ms', longest: '1s' },
      app_tokens: [{ name: 'backend', sha256: hashOfToken(APP_TOKEN) }],
    },
    listeners: { wallet: mutual(ports.wallet), app: { address: ADDRESS, port: ports.app }, ...config.listeners },
    outbound: { certificate: 'pki/wallet.crt', key: 'pki/wallet.key', timeout: '3s' },
    peers: [],
  };
};

/** Both sides in one process, with peers of either kind. */
const bothConfig = (place) => {
  const [issuer, wallet] = [issuerConfig(place), walletConfig(place)];
  const peers = issuer.peers.map((peer) => ({ ...peer, role: 'wallet' }));
  return { ...wallet, ...issuer, role: 'both', peers, listeners: { ...wallet.listeners, ...issuer.listeners } };
};

/** The ports that a role listens on, and its configuration. */
export const ROLES = {
  issuer: { ports: ['s2s', 'public', 'admin'], config: issuerConfig },
  wallet: { ports: ['wallet', 'app', 'admin'], config: walletConfig },
  both: { ports: ['s2s', 'public', 'wallet', 'app', 'admin'], config: bothConfig },
};

/** The line of `text` (the first one that contains it) in a configuration as `configText` writes it. */
export const lineOf = (configText, text) => configText.slice(0, configText.indexOf(text)).split('\n').length;

export const configText = (config) => `${JSON.stringify(config, null, 2)}\n`;
