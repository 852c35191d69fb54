// `nodejs-order-book`: a red-black tree of price levels, each a deque. The child's side of
// peer_process.py: node nodejs_order_book_peer.mjs NODE_MODULES FLOW_FILE STEPS. It is handed objects
// of options, made outside the timed part, and makes its orders itself.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [, , packages, flowFile, steps] = process.argv;
const require = createRequire(`${packages}/`);
const { OrderBook, Side } = require('nodejs-order-book');
const { version } = JSON.parse(readFileSync(`${packages}/nodejs-order-book/package.json`));
const flow = JSON.parse(readFileSync(flowFile)).slice(0, Number(steps));

const inputs = () =>
  flow.map(([id, buy, price, size]) =>
    price === undefined
      ? String(id)
      : { id: String(id), side: buy ? Side.BUY : Side.SELL, price, size },
  );

const round = () => {
  const book = new OrderBook();
  const made = inputs();
  const started = process.hrtime.bigint();
  for (const step of made) {
    if (typeof step === 'string') book.cancel(step);
    else book.limit(step);
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const [asks, bids] = book.depth();
  return { seconds, bids, asks, version: `${version} on node ${process.version}` };
};

for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(round())}\n`);
}
