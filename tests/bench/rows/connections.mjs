// SPDX-License-Identifier: Apache-2.0
//
// What a connection costs that does nothing.

import { atMost, number } from '../lib/table.mjs';
import { load } from '../lib/load.mjs';

const OPEN = 5000;

export const idleMemory = {
  id: 'R6',
  what: `resident memory per idle mutual-TLS connection, ${number(OPEN)} open`,
  unit: 'KiB',
  target: atMost(40),
  how: 'Growth of the resident memory of a gateway that was just started, over HTTP/2 connections that have shaken hands.',
  async measure(stage) {
    await stage.restart();
    const { open, lost, processes } = await load(stage, undefined, { idle: OPEN, connections: 1, streams: 1 });
    const [gateway] = processes;
    await stage.restart();
    return {
      value: gateway.bytes_per_connection / 1024,
      figures: [
        ['open', `${number(open)}, ${number(lost)} lost`],
        ['before', `${number(gateway.resident_bytes_before / 2 ** 20)} MiB`],
        ['after', `${number(gateway.resident_bytes / 2 ** 20)} MiB`],
        ['a handshake', `${number(gateway.cpu_us_per_handshake)} µs CPU`],
      ],
    };
  },
};
