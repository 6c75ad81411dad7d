// SPDX-License-Identifier: Apache-2.0
//
// How fast wallets are told. The wallet is one that only answers (wallet_sink.c): what a wallet does with a notice is not
// what is measured.

import { atLeast, number } from '../lib/table.mjs';
import { load } from '../lib/load.mjs';
import { median } from '../lib/statistics.mjs';
import { start } from '../lib/programs.mjs';
import { EDITS, PROGRAMS } from '../lib/stage.mjs';
import { sustained } from './queue.mjs';

/** Flights at a time to a wallet that is near and quick. */
const IN_FLIGHT = 256;
const SOON = '50ms';

const ended = (stage, event) => stage.database().number('SELECT count(*) FROM s2s.ledger WHERE event = $1', [event]);

/** Have `count` notifications be owed, let them go, and resolve to how many a second were delivered. */
async function deliver(stage, count) {
  const database = stage.database();
  await database.withoutRows(['deliveries_claim'], async () => {
    await load(stage, 'initiate', { requests: count, prepare: count, wallet: 'WALLET' });
    await stage.until('owed', count, () => ended(stage, 'owed'));
  });
  const letGo = await database.number('SELECT extract(epoch FROM clock_timestamp())');
  await stage.until('delivered', count, () => ended(stage, 'delivered'));
  const seconds = await database.number(
    "SELECT extract(epoch FROM max(at)) - $1::float8 FROM s2s.ledger WHERE event = 'delivered'",
    [letGo],
  );
  await database.clear();
  return count / seconds;
}

export const notifications = {
  id: 'R9',
  what: 'notifications/s delivered over mutual TLS to a local wallet ÷ initiates/s',
  target: atLeast(0.8),
  how: `Queued notifications, delivered by one gateway over HTTP/2 (\`outbound.concurrency\` ${IN_FLIGHT}), each claimed, sent, answered and recorded; against initiates that are accepted and evaluated, by turns.`,
  async measure(stage) {
    const { env } = stage;
    const sink = await start(
      [PROGRAMS.sink, `${stage.dir}/pki/wallet-server.crt`, `${stage.dir}/pki/wallet-server.key`, env.S2S_CA],
      /^listening (\d+)\n/,
    );
    const edits = [EDITS.walletAt(`https://127.0.0.1:${sink.match[1]}`), EDITS.callsInFlight(IN_FLIGHT), EDITS.poll(SOON)];
    const pairs = [];
    for (let i = 0; i < stage.plan.repeats; i++) {
      await stage.restart({ edits });
      const told = await deliver(stage, stage.plan.notifications);
      await stage.restart();
      pairs.push({ told, taken: await sustained(stage) });
    }
    await sink.stop();
    return {
      value: median(pairs.map(({ told, taken }) => told / taken)),
      figures: [
        ['notifications', `${number(median(pairs.map(({ told }) => told)))}/s`],
        ['initiates', `${number(median(pairs.map(({ taken }) => taken)))}/s`],
      ],
    };
  },
};
