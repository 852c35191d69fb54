// A market maker of one market that lives through whatever happens to it, for days.
//
//   npm install socket.io-client
//   EMAIL=... PASSWORD=... node maker.mjs http://localhost:8080 rain-tomorrow
//
// It bids for YES below the middle of everybody else's book and for NO above it (NO at 0.46 is what
// a seller of YES at 0.54 gets), so it needs credits and no shares. Quotes are post-only and replaced
// by one batch; an order group takes them out when too much of them is filled, a dead-man switch when
// the program hangs or dies. SIGTERM and Ctrl-C end it: it takes its quotes back, buys what makes its
// shares pairs, and prints one line of JSON about all it did.
//
// Law: no order under a new id while the outcome of an old one isn't known.

import { randomBytes } from "node:crypto";
import { io } from "socket.io-client";
import { Api, Book, CASH, decimal, Order, PRICE, Refused, SHARES } from "./trading_client.mjs";

const ONE = 10_000; // what a pair of YES and NO is worth
const [TICK, HALF_SPREAD, SIZE] = [100, 200, 1_000]; // 0.01, 0.02, 10 shares
const SHARES_A_TICK = 2_000; // held of one outcome, they move both prices by a tick
const [LOOK_MS, SILENCE_MS, ANSWER_MS] = [250, 4_000, 10_000];
const [ALIVE_MS, DEAD_MS] = [1_000, 6_000]; // it says so often that it lives, else it is taken for dead
const [FILLED_MAX, WINDOW_SECONDS, REST_MS] = ["100", 10, 1_000]; // more in a window: it rests for a moment
const UNTOLD = ["RATE_LIMITED", "UNAVAILABLE", "UNKNOWN_OUTCOME"]; // refusals that leave the outcome open

const [url, market] = process.argv.slice(2);
const api = new Api(url, process.env.EMAIL, process.env.PASSWORD);
const say = (...words) => console.error(new Date().toISOString(), ...words);

// -- our orders ------------------------------------------------------------------------------------

const orders = new Map(); // by clientOrderId: those that aren't over
const bought = { YES: 0, NO: 0 };
const tally = { connections: 0, checksum_errors: 0, book_gaps: 0, asked_again: 0, rests: 0, orders: 0 };
const life = randomBytes(4).toString("hex");
let [cost, fees, numbers, stopping] = [0, 0, 0, false];
let batch = null; // the one whose outcome isn't known
const group = { groupId: `maker-${market}`.slice(0, 64) };
let restedAt = 0; // when the group is to begin, null once it has

/** Add up an order that is over, once. */
function count(order) {
  if (!order.isOver || !orders.delete(order.body.clientOrderId)) return;
  bought[order.outcome] += order.filled;
  cost += order.cost;
  fees += order.fees;
}

function newOrder(outcome, quantity, terms) {
  const clientOrderId = `${life}-${(numbers += 1)}`;
  const body = { market, side: "BUY", outcome, quantity: decimal(quantity, SHARES), clientOrderId };
  const order = new Order({ ...body, ...terms });
  orders.set(clientOrderId, order);
  return order;
}

/** Say whether an error tells that what was sent did not happen. */
const isTold = (error) => error instanceof Refused && !UNTOLD.includes(error.code);

/** Place an order, or ask what became of it: under its id that is the same. */
async function place(order) {
  try {
    placed(order, await ask("order:place", order.body));
  } catch (error) {
    if (isTold(error)) orders.delete(order.body.clientOrderId);
    throw error;
  }
}

function placed(order, answer) {
  order.answered(answer);
  tally.orders += 1;
  count(order);
}

/** Take what an answer or a message shows of an order. */
function see(shown) {
  const order = orders.get(shown.clientOrderId);
  if (order) order.update(shown), count(order);
}

/** Send the batch, or ask what became of it: under its requestId that is the same. */
async function sendBatch() {
  const { operations } = batch;
  let results;
  try {
    ({ results } = await ask("order:batch", batch));
  } catch (error) {
    if (!isTold(error)) throw error;
    results = operations.map(() => ({ ok: false, error }));
  }
  batch = null;
  for (const [number, { op, clientOrderId }] of operations.entries()) {
    const { ok, data, error } = results[number];
    if (!ok) say(op, "refused:", error.code);
    if (!ok && error.code === "GROUP_LIMIT") restedAt = Date.now() + REST_MS;
    if (op === "place" && ok) placed(orders.get(clientOrderId), data);
    else if (op === "place") orders.delete(clientOrderId);
    else if (ok) see(data.order);
    else state.unsure = true; // it may have ended by itself
  }
}

/** Read what we may have missed a message of. */
async function readOrders() {
  for (const order of [...orders.values()].filter(({ id }) => id)) {
    order.update(await api.call("GET", `/orders/${order.id}`));
    count(order);
  }
  state.unsure = false;
}

/** Return our bids for YES and for NO: around the others' middle, against what we hold. */
function prices() {
  const [bids, asks] = [new Map(state.book.bids), new Map(state.book.asks)];
  let held = bought.YES - bought.NO;
  for (const { outcome, price, filled } of orders.values()) {
    const [side, at] = outcome === "YES" ? [bids, price] : [asks, ONE - price];
    side.set(at, (side.get(at) ?? 0) - (SIZE - filled));
    held += outcome === "YES" ? filled : -filled;
  }
  const there = (side) => [...side].filter(([, quantity]) => quantity > 0).map(([price]) => price);
  const [bestBid, bestAsk] = [Math.max(TICK, ...there(bids)), Math.min(ONE - TICK, ...there(asks))];
  let middle = Math.floor((bestBid + bestAsk) / 2) - Math.floor((held * TICK) / SHARES_A_TICK);
  middle = Math.min(Math.max(middle, TICK + HALF_SPREAD), ONE - TICK - HALF_SPREAD);
  const below = (at) => Math.floor((at - HALF_SPREAD) / TICK) * TICK;
  return { YES: below(middle), NO: below(ONE - middle) };
}

/** Let the group begin, again where it was triggered, once the market has had its moment. */
async function mayQuote() {
  if (restedAt === null) return true;
  if (Date.now() < restedAt) return false;
  const terms = { maxFilled: FILLED_MAX, windowSeconds: WINDOW_SECONDS };
  const { groupId, status } = await api.call("POST", "/order-groups", { ...group, ...terms });
  if (status === "TRIGGERED") {
    tally.rests += 1;
    await api.call("POST", `/order-groups/${groupId}/reset`);
  }
  restedAt = null;
  return true;
}

/** Take out what stands wrong and put in what is missing, as one command. */
async function quote() {
  const wanted = prices();
  const isWrong = ({ outcome, price, filled }) =>
    Math.abs(price - wanted[outcome]) > TICK || filled > SIZE / 2;
  const all = [...orders.values()];
  const operations = all.filter(isWrong).map(({ id }) => ({ op: "cancel", orderId: id }));
  for (const [outcome, price] of Object.entries(wanted)) {
    if (all.some((order) => order.outcome === outcome && !isWrong(order))) continue;
    const terms = { type: "LIMIT", price: decimal(price, PRICE), postOnly: true, ...group };
    operations.push({ op: "place", ...newOrder(outcome, SIZE, terms).body });
  }
  if (operations.length === 0) return;
  batch = { requestId: `${life}-${(numbers += 1)}`, operations };
  await sendBatch();
}

/** Take the quotes back and make all shares pairs, which the exchange turns into cash. */
async function leave() {
  await ask("session:heartbeat", { timeoutMs: 0 });
  await ask("order:cancel_all", { market });
  await readOrders();
  const held = bought.YES - bought.NO;
  if (held === 0) return true;
  const order = newOrder(held > 0 ? "NO" : "YES", Math.abs(held), { type: "MARKET" });
  await place(order);
  return order.filled === 0; // nobody sells: it stays held
}

// -- the socket: the library connects again by itself, each time with the token of then -----------

let state, silence; // of this connection
const quietUntil = {};
const socket = io(url, {
  path: "/ws",
  transports: ["websocket"],
  reconnectionDelay: 100,
  auth: async (send) => {
    await api.fresh().catch((error) => say("not signed in:", error.message));
    send({ token: api.token });
  },
});

socket.on("connect", () => {
  tally.connections += 1;
  state = { book: new Book(), askedAt: 0, aliveAt: 0, unsure: true, stale: false, accountSeq: null };
  expectMore();
});
socket.on("disconnect", (reason) => say("lost:", reason));
socket.on("connect_error", (error) => {
  say("not connected:", error.message);
  if (error.data?.code === "UNAUTHORIZED") api.renewAt = 0;
  // After a refusal by the exchange the library leaves it to us to come again.
  if (!socket.active) setTimeout(() => socket.connect(), 1_000 * (error.data?.retryAfter ?? 1));
});
socket.on("orderbook_update", (update) => {
  const { book } = state;
  if (book.seq === null && update.kind === "delta") return;
  if (!book.apply(update)) loseBook("book_gaps");
  else if (book.checksum() !== update.checksum) loseBook("checksum_errors");
});
socket.on("heartbeat", ({ accountSeq, markets, stale }) => {
  if (state.accountSeq !== null && accountSeq > state.accountSeq) state.unsure = true;
  Object.assign(state, { stale, accountSeq });
  expectMore();
  const { seq } = state.book;
  if (seq !== null && markets.some((beat) => beat.seq > seq)) loseBook("book_gaps");
});
for (const name of ["order_placed", "order_updated", "order_cancelled", "balance_updated", "position_updated"]) {
  socket.on(name, (message) => {
    if (state.accountSeq !== null && message.accountSeq !== state.accountSeq + 1) state.unsure = true;
    state.accountSeq = message.accountSeq;
    see(message);
  });
}

/** Give the connection up unless something comes in time: a dead line says nothing. */
function expectMore() {
  clearTimeout(silence);
  silence = setTimeout(() => socket.io.engine.close(), SILENCE_MS);
}

function loseBook(why) {
  tally[why] += 1;
  [state.book.seq, state.askedAt] = [null, 0];
}

/** Send an event; return the data of its answer, or throw: Refused, another Error for none. */
async function ask(event, payload) {
  if (!socket.connected) throw new Error("not connected"); // or it would be sent at some later time
  if (Date.now() < (quietUntil[event] ?? 0)) throw new Refused("RATE_LIMITED");
  const answer = await socket.timeout(ANSWER_MS).emitWithAck(event, payload);
  if (answer.ok) return answer.data;
  const refusal = new Refused(answer.error.code, answer.error.retryAfter);
  if (refusal.code === "RATE_LIMITED") quietUntil[event] = Date.now() + 1_000 * refusal.retryAfter;
  throw refusal;
}

/** Do what is due, true if that was all; whatever fails is due again at the next step. */
async function step() {
  if (!socket.connected) return false;
  if (await api.fresh()) await ask("session:authenticate", { token: api.token });
  if (state.book.seq === null && Date.now() > state.askedAt + ANSWER_MS) {
    state.askedAt = Date.now();
    await ask("subscribe:market", { slug: market, outcome: "YES" });
  }
  if (batch !== null) {
    tally.asked_again += 1;
    await sendBatch();
  }
  for (const order of [...orders.values()].filter(({ id }) => !id)) {
    tally.asked_again += 1;
    await place(order);
  }
  if (state.unsure) await readOrders();
  if (stopping) return leave();
  if (Date.now() > state.aliveAt + ALIVE_MS) {
    await ask("session:heartbeat", { timeoutMs: DEAD_MS });
    state.aliveAt = Date.now();
  }
  if (state.book.seq !== null && !state.stale && (await mayQuote())) await quote();
  return false;
}

for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => (stopping = true));
while (!(await step().catch((error) => say("put off:", error.message)))) {
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
clearTimeout(silence);
socket.close();
console.log(JSON.stringify({
  pnl: decimal(Math.min(bought.YES, bought.NO) * ONE - cost, CASH),
  fees: decimal(fees, CASH),
  volume: decimal(bought.YES + bought.NO, SHARES),
  held: decimal(bought.YES - bought.NO, SHARES),
  ...tally,
  renewals: api.renewals,
}));
