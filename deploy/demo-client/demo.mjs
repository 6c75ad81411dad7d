// SPDX-License-Identifier: Apache-2.0
//
// The demo: a badge on its way from an issuer to a holder's app, through the two gateways of an environment.
//
//   node demo.mjs DIR [FLOW]     DIR: the folder of a running environment (see deploy/README.md)
//                                FLOW: a story of flows/, without its .mjs; `tour` unless given
//
// What is played here are the people and programs around the gateways: the holder's app, the wallet operator's backend,
// the issuer's operator and site, and a verifier. App and verifier are the library of the interop tests: software on
// other cryptographic packages than the gateways'.

import { existsSync } from 'node:fs';
import { AppClient } from '../../tests/interop/lib/app.mjs';
import { loadEnv } from '../../tests/interop/lib/env.mjs';
import { OperatorClient } from '../../tests/interop/lib/operator.mjs';
import { introduction } from './acts.mjs';
import * as story from './story.mjs';

/** What every act needs: who is on the stage. */
async function stageOf(dir) {
  const env = loadEnv(dir);
  const stage = { env, app: AppClient.connect(env), operator: OperatorClient.connect(env) };
  stage.client = await introduction(stage);
  return stage;
}

async function main(dir, flow) {
  const { tell } = await import(flow.href);
  const stage = await stageOf(dir);
  try {
    story.closing(await tell(stage));
  } finally {
    stage.app.close();
    stage.operator.close();
  }
}

const [dir, name = 'tour', ...others] = process.argv.slice(2);
const flow = new URL(`flows/${name}.mjs`, import.meta.url);
if (others.length > 0 || !existsSync(flow)) {
  process.stderr.write('Usage: node demo.mjs [DIR [FLOW]]\n');
  process.exit(2);
}
main(dir, flow).catch((error) => {
  process.stderr.write(`\nThe demo failed: ${error.message}\n`);
  process.exit(1);
});
