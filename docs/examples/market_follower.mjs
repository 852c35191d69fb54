// Follows one market and one's own account, and holds both exactly, whatever gets lost on the way.
//
//   npm install socket.io-client
//   EMAIL=... PASSWORD=... node market_follower.mjs http://localhost:8080 rain-tomorrow
//
// It keeps the book of YES, the tape, and one's orders, fills, balance and positions as market-data.md
// tells. With each heartbeat it looks whether it has everything that the heartbeat speaks of, mends
// what is missing, and prints one line of JSON with all that it holds once that is sure.
//
// Law: what was had already changes nothing; what is missing is noticed by the next heartbeat that
// comes, and asked for again until it is there.

import { io } from "socket.io-client";
import { Api, Book, decimal, PRICE, Refused, SHARES, units } from "./trading_client.mjs";

const [SILENCE_MS, ANSWER_MS, FEW] = [4_000, 1_000, 5];
const CHANNELS = ["book", "trades", "lifecycle"];

const [url, market] = process.argv.slice(2);
const api = new Api(url, process.env.EMAIL, process.env.PASSWORD);
const say = (...words) => console.error(new Date().toISOString(), ...words);
const repairs = {};

// -- the market: its book, the trades since we came, its status ------------------------------------

const book = new Book();
let isBookRight = true;
const early = new Map(); // deltas that came too early, by prevSeq
const trades = new Map(); // by tradeNo
let tradeNo = null; // all trades up to here are there
let tradedAt = 0; // the seq behind which the next missing trade lies
let [status, statusAt] = ["", 0];

function onBook(update) {
  if (book.seq !== null && (update.epoch < book.epoch || (update.epoch === book.epoch && update.seq <= book.seq)))
    return; // had already
  if (!book.apply(update)) return void early.set(update.prevSeq, update);
  if (book.checksum() !== update.checksum) return void (isBookRight = false);
  const later = early.get(update.seq);
  if (early.delete(update.seq)) onBook(later);
}

function onTrade(trade) {
  trades.set(trade.tradeNo, trade);
  while (tradeNo !== null && trades.has(tradeNo + 1)) tradedAt = trades.get((tradeNo += 1)).seq;
}

function onMarket(shown) {
  if (shown.seq > statusAt) [status, statusAt] = [shown.status, shown.seq];
}

/** Begin the tape where the first subscription did. */
function subscribed(ack) {
  if (tradeNo !== null) return;
  [tradeNo, tradedAt] = [ack.tradeNo, ack.seq];
  for (const number of trades.keys()) if (number <= ack.tradeNo) trades.delete(number);
}

// -- the account: every order, fill and position, and the balance ----------------------------------

let accountSeq = -1; // all private messages up to here are known, or what they told
let heard = new Set(); // later ones that have come
const orders = new Map();
const fills = new Map(); // by trade and order
const positions = new Map();
let balance = { accountSeq: -1 };

function onOrder(order) {
  if (!(order.seq < orders.get(order.id)?.seq)) orders.set(order.id, order);
  if (order.accountSeq !== undefined) note(order.accountSeq);
}

const onFill = (fill) => fills.set(`${fill.tradeId} ${fill.orderId}`, fill);

function onBalance(told) {
  if (told.accountSeq > balance.accountSeq) balance = told;
  note(told.accountSeq);
}

function onPosition(told) {
  const key = `${told.marketId} ${told.outcome}`;
  if (!(told.accountSeq <= positions.get(key)?.accountSeq)) positions.set(key, told);
  note(told.accountSeq);
}

/** Go on as far as nothing is missing in between. */
function note(seq) {
  if (seq > accountSeq) heard.add(seq);
  while (heard.delete(accountSeq + 1)) accountSeq += 1;
}

/** Go on from what was read: it holds all that messages up to `seq` told. */
function wasRead(seq) {
  accountSeq = Math.max(accountSeq, seq);
  heard = new Set([...heard].filter((later) => later > accountSeq));
  note(accountSeq);
}

/** Return the orders whose fills don't add up to what was filled. */
function unfilled() {
  const sums = new Map();
  for (const { orderId, quantity } of fills.values())
    sums.set(orderId, (sums.get(orderId) ?? 0) + units(quantity, SHARES));
  return [...orders.values()].filter(({ id, filled }) => units(filled, SHARES) !== (sums.get(id) ?? 0));
}

// -- what is missing -------------------------------------------------------------------------------

/** Mend what a heartbeat knows and we don't; print everything once it is whole. */
async function catchUp(beat) {
  const [told] = beat.markets;
  if (!told) return mend("subscription", subscribe);
  if (book.seq === null || book.seq < told.seq || book.epoch !== beat.epoch || !isBookRight)
    await mend("book", subscribe);
  if (tradeNo !== null && tradeNo < told.tradeNo) await mend("tape", readTape);
  if (statusAt < told.lifecycleSeq || !status) await mend("status", readMarket);
  if (accountSeq < beat.accountSeq) await mend("account", readAccount);
  if (unfilled().length) await mend("fills", readFills);
  if (book.seq === null || book.seq < told.seq || tradeNo === null) return;
  console.log(JSON.stringify(holdings()));
}

async function mend(what, work) {
  repairs[what] = (repairs[what] ?? 0) + 1;
  // What fails is tried again with the next heartbeat.
  await work().catch((error) => say(what, error.message));
}

/** Ask for the market anew: a snapshot follows the answer. */
async function subscribe() {
  [book.seq, isBookRight] = [null, true];
  early.clear();
  subscribed(await ask("subscribe:market", { market, outcome: "YES", channels: CHANNELS }));
}

/** Read the trades that are missing, and perhaps some that aren't. */
async function readTape() {
  const after = Math.max(0, tradedAt - 1); // a seq may have several trades, of which we had one
  for await (const trade of pages(`/markets/${market}/trades?limit=200&afterSeq=${after}`)) onTrade(trade);
}

const readMarket = async () => onMarket((await read(`/markets/${market}`)).data);

/** Read everything; what messages told meanwhile is newer and stays. */
async function readAccount() {
  const [cash, shares] = [await read("/user/balance"), await read("/user/positions")];
  const seqs = [cash.meta.accountSeq, shares.meta.accountSeq];
  const held = new Set(shares.data.map(({ marketId, outcome }) => `${marketId} ${outcome}`));
  for (const [key, one] of positions) if (!held.has(key) && one.accountSeq <= seqs[1]) positions.delete(key);
  for await (const order of pages("/orders?limit=200")) onOrder(order);
  wasRead(Math.min(...seqs));
  onBalance({ ...cash.data, accountSeq: seqs[0] });
  for (const one of shares.data) onPosition({ ...one, accountSeq: seqs[1] });
}

/** Read the fills of a few orders, or all there are. */
async function readFills() {
  const missing = unfilled();
  const queries = missing.length <= FEW ? missing.map(({ id }) => `&orderId=${id}`) : [""];
  for (const query of queries) for await (const fill of pages(`/user/fills?limit=200${query}`)) onFill(fill);
}

/** Return the whole answer of a GET; throws Refused. */
async function read(path) {
  const headers = { authorization: `Bearer ${api.token}` };
  const answer = await fetch(api.base + path, { headers, signal: AbortSignal.timeout(5_000) });
  const whole = await answer.json();
  if (!answer.ok) throw new Refused(whole.error.code, Number(answer.headers.get("retry-after") ?? 1));
  return whole;
}

/** Go through a list, part by part. */
async function* pages(path) {
  for (let cursor = ""; cursor !== null; ) {
    const part = await read(cursor ? `${path}&cursor=${cursor}` : path);
    yield* part.data;
    cursor = part.nextCursor;
  }
}

// -- the socket ------------------------------------------------------------------------------------

const auth = (send) => send({ token: api.token });
const socket = io(url, { path: "/ws", transports: ["websocket"], autoConnect: false, auth });

/** Send an event; return its answer's data, or throw, as for no answer in time. */
async function ask(event, payload) {
  const { ok, data, error } = await socket.timeout(ANSWER_MS).emitWithAck(event, payload);
  if (!ok) throw new Refused(error.code, error.retryAfter);
  return data;
}

let working = Promise.resolve();
let silence;

function expectMore() {
  clearTimeout(silence); // a dead line says nothing: connect anew
  silence = setTimeout(() => socket.disconnect().connect(), SILENCE_MS);
}

function onHeartbeat(beat) {
  expectMore();
  working = working
    .then(async () => {
      if (await api.fresh()) await ask("session:authenticate", { token: api.token });
      await catchUp(beat);
    })
    .catch((error) => say(error.message));
}

// Else the first heartbeat sees to it.
socket.on("connect", () => (expectMore(), subscribe().catch((error) => say(error.message))));
socket.on("connect_error", ({ message, data }) => {
  say(message);
  if (socket.active) return;
  const again = () => api.fresh().finally(() => socket.connect());
  setTimeout(again, 1000 * (data?.retryAfter ?? 1));
});
socket.on("disconnect", (reason) => socket.active || setTimeout(() => socket.connect(), 100, say(reason)));
socket.on("heartbeat", onHeartbeat);
socket.on("orderbook_update", onBook);
socket.on("trade_executed", onTrade);
socket.on("market_updated", onMarket);
for (const event of ["order_placed", "order_updated", "order_cancelled"]) socket.on(event, onOrder);
socket.on("order_filled", onFill);
socket.on("balance_updated", onBalance);
socket.on("position_updated", onPosition);
await api.fresh();
socket.connect();

/** Return all that we hold, as text. */
function holdings() {
  const side = (levels, sign) =>
    [...levels].sort(([a], [b]) => sign * (a - b)).map(([p, q]) => [decimal(p, PRICE), decimal(q, SHARES)]);
  const shares = [...positions].filter(([, { quantity }]) => units(quantity, SHARES));
  return {
    bids: side(book.bids, -1),
    asks: side(book.asks, 1),
    seq: book.seq,
    status,
    trades: [...trades.keys()].sort((a, b) => a - b).map((number) => trades.get(number).id),
    orders: Object.fromEntries([...orders.values()].map((one) => [one.id, [one.status, one.filled]])),
    fills: [...fills.keys()].sort(),
    balance: { available: balance.available, locked: balance.locked },
    positions: Object.fromEntries(shares.map(([key, one]) => [key, [one.quantity, one.locked, one.cost]])),
    repairs,
  };
}
