// Scenarios against a running server, spoken through the real socket.io-client:
//
//   node sockets.mjs SCENARIO '{"url": ..., "market": slug, "users": [{"id", "token"}, ...]}'
//
// A scenario that fails throws, which ends the process with a code other than 0.

import assert from "node:assert/strict";
import { Book, closeAll, crc32, heard, ok, open, order, refusal, rest, until } from "./socket_clients.mjs";

const PRIVATE = [
  "order_placed",
  "order_updated",
  "order_cancelled",
  "balance_updated",
  "position_updated",
];

const scenarios = {
  // Two traders and a watcher, over both paths and namespaces.
  async trade({ url, market, users: [ann, ben] }) {
    assert.equal(crc32("5500:1000,5400:300|5600:750"), 3795016920);
    const annSocket = await open(url, ann.token);
    const benSocket = await open(url, ben.token, { path: "/socket.io", namespace: "/ws" });
    const watcher = await open(url, null, { namespace: "/ws" });
    const books = ["YES", "NO"].map((outcome) => new Book(outcome).follow(watcher));
    const joined = await ok(watcher, "subscribe:market", { slug: market });
    assert.deepEqual(joined.outcomes, ["YES", "NO"]);
    const before = joined.tradeNo;

    const resting = await ok(annSocket, "order:place", order(market, "BUY YES 10 @ 0.55"));
    assert.equal(resting.order.status, "OPEN");
    const taking = await ok(benSocket, "order:place", order(market, "BUY NO 4 @ 0.47"));
    assert.equal(taking.order.status, "FILLED");
    assert.deepEqual(taking.trades.map((trade) => [trade.kind, trade.price]), [["MINT", "0.4500"]]);
    const again = await ok(annSocket, "order:place", order(market, "BUY NO 1 @ 0.30", { clientOrderId: "once" }));
    const repeat = await ok(annSocket, "order:place", order(market, "BUY NO 1.00 @ 0.3", { clientOrderId: "once" }));
    assert.deepEqual(repeat, { ...again, replayed: true });
    const gone = await ok(annSocket, "order:cancel", { orderId: resting.order.id });
    assert.equal(gone.order.status, "CANCELLED");
    const all = await ok(annSocket, "order:cancel_all", { market });
    assert.deepEqual(all.orderIds, [again.order.id]);

    await until(() => books.every((book) => book.seq === joined.seq + 5), "the books");
    await until(() => heard(watcher, "trade_executed").length === 1, "the trade");
    const [trade] = heard(watcher, "trade_executed");
    assert.deepEqual([trade.tradeNo, trade.price, trade.yesPrice], [before + 1, "0.4500", "0.5500"]);
    for (const outcome of ["YES", "NO"]) {
      const book = await rest(url, "GET", `/markets/${market}/orderbook?outcome=${outcome}`);
      const mine = books.find((one) => one.outcome === outcome);
      assert.deepEqual([book.seq, book.checksum], [mine.seq, mine.checksum()]);
    }
    await until(() => heard(annSocket, "order_cancelled").length === 2, "both cancels");
    await ok(annSocket, "ping");
    for (const [socket, user] of [[annSocket, ann], [benSocket, ben]]) {
      const mine = socket.heard.filter(([event]) => PRIVATE.includes(event));
      const sequences = mine.map(([, data]) => data.accountSeq);
      assert.deepEqual(sequences, sequences.map((_, index) => sequences[0] + index), "dense");
      const balance = await rest(url, "GET", "/user/balance", user.token);
      assert.equal(heard(socket, "balance_updated").at(-1).available, balance.available);
    }
  },

  // Nobody hears what is another's, whatever they ask for.
  async privacy({ url, market, users: [ann, ben] }) {
    const annSocket = await open(url, ann.token);
    const others = [await open(url, ben.token), await open(url), await open(url, null, { namespace: "/ws" })];
    for (const socket of others) {
      await ok(socket, "subscribe:market", { slug: market });
      for (const room of [`u:${ann.id}`, "m:1"]) {
        assert.equal((await refusal(socket, "subscribe:market", { room })).code, "VALIDATION_ERROR");
        assert.equal((await refusal(socket, "subscribe:market", { slug: room })).code, "MARKET_NOT_FOUND");
      }
    }
    const placed = await ok(annSocket, "order:place", order(market, "BUY YES 1 @ 0.10", { clientOrderId: "whisper" }));
    const foreign = await refusal(others[0], "order:cancel", { orderId: placed.order.id });
    assert.equal(foreign.code, "NOT_ORDER_OWNER");
    await ok(annSocket, "order:cancel", { orderId: placed.order.id });
    for (const socket of others) {
      await until(() => heard(socket, "orderbook_update").length >= 6, "the book");
      assert.ok(!JSON.stringify(socket.heard).includes("whisper"));
      assert.deepEqual(socket.heard.filter(([event]) => PRIVATE.includes(event)), []);
    }
    assert.equal(heard(annSocket, "order_placed").length, 1);
  },

  // Everything wrong is answered with its field, and changes nothing.
  async wrong({ url, market, users: [ann] }) {
    const socket = await open(url, ann.token);
    const place = order(market, "BUY YES 10 @ 0.55");
    const before = await rest(url, "GET", "/user/balance", ann.token);
    const prices = ["0.55555", "0", 0, 1, "1", -1, "-1", "NaN", "Infinity", "1E+1000000", "1_0", "０.５", "0.5\n",
      " 0.5", "5".repeat(400), true, false, null, {}, [], "", "0x1", "+0.5", ".5"];
    const rows = [
      ...prices.map((price) => ["order:place", [{ ...place, price }], "price"]),
      ["order:place", [{ ...place, price: "0.555" }], "price", "OFF_TICK"],
      ...[0, "0", "0.001", -5, null, "1e3", true].map((quantity) => ["order:place", [{ ...place, quantity }], "quantity"]),
      ["order:place", [{ ...place, surprise: 1 }], "surprise"],
      ["order:place", [{ ...place, clientOrderId: "a\u0000b" }], "clientOrderId"],
      ["order:place", [{ ...place, market: "no-such-market" }], "market", "MARKET_NOT_FOUND"],
      ["order:place", [{ ...place, market: "９" }], "market", "MARKET_NOT_FOUND"],
      ["order:place", [{ ...place, side: "HOLD" }], "side"],
      ["order:place", [], "payload"],
      ["order:place", [place, place], "payload"],
      ["order:place", [Buffer.from("binary")], "payload"],
      ["order:place", [{ ...place, price: Buffer.from("0.5") }], "payload"],
      ["order:place", [null], "body"],
      ["order:place", ["text"], "body"],
      ["order:place", [[place]], "body"],
      ["order:cancel", [{ orderId: "999999999" }], "orderId", "ORDER_NOT_FOUND"],
      ["order:cancel", [{ orderId: 7 }], "orderId"],
      ["order:amend", [{ orderId: "1" }], "body"],
      ["order:batch", [{ operations: [] }], "operations"],
      ["order:oco", [{ orders: [] }], "orders"],
      ["order:swap", [{ orders: [] }], "event"],
      ["session:cancel_on_disconnect", [{ enabled: "yes" }], "enabled"],
      ["__proto__", [{}], "event"],
      ["constructor", [{}], "event"],
      ["subscribe:market", [{ marketId: 1 }], "marketId"],
      ["subscribe:market", [{ slug: market, outcome: "yes" }], "outcome"],
      ["subscribe:market", [], "payload"],
      ["session:authenticate", [{ token: "forged" }], null, "UNAUTHORIZED"],
      ["session:authenticate", [{}], "token"],
    ];
    for (const [event, args, field, code = "VALIDATION_ERROR"] of rows) {
      const error = await refusal(socket, event, ...args);
      const what = `${event} ${JSON.stringify(args).slice(0, 90)}`;
      assert.equal(error.code, code, what);
      assert.deepEqual(error.details.map((detail) => detail.field), field === null ? [] : [field], what);
    }
    // The client library refuses to send these names, so they are sent past it.
    for (const name of ["connect", "disconnect", "connect_error"]) {
      const answer = await new Promise((resolve) => {
        socket.acks[9000] = resolve;
        socket.packet({ type: 2, id: 9000, data: [name, { sid: "x" }], options: {} });
      });
      assert.equal(answer.error.details[0].field, "event");
    }
    assert.deepEqual(await rest(url, "GET", "/user/balance", ann.token), before);
    const nobody = await open(url);
    assert.equal((await refusal(nobody, "order:place", place)).code, "UNAUTHORIZED");
  },

  // How sockets begin and end.
  async life({ url, market, users: [ann] }) {
    const forged = await open(url, "forged").then(() => null, (error) => error);
    assert.equal(forged.data.code, "UNAUTHORIZED");
    for (const options of [{ transports: ["polling"] }, { transports: ["polling", "websocket"], namespace: "/ws" }]) {
      const polling = await open(url, ann.token, options).then(() => null, (error) => error);
      assert.match(polling.message, /websocket transport only.*transports: \["websocket"\]/);
    }

    const late = await open(url);
    assert.equal((await refusal(late, "order:cancel_all")).code, "UNAUTHORIZED");
    assert.equal((await ok(late, "session:authenticate", { token: ann.token })).userId, ann.id);
    await ok(late, "order:cancel_all");
    const { timestamp } = await ok(late, "ping");
    assert.ok(Math.abs(Date.now() - Date.parse(timestamp)) < 60_000);
    await until(() => heard(late, "pong").length === 1, "the pong");
    await until(() => heard(late, "heartbeat").length >= 2, "two heartbeats");

    // A client that left and came back starts from a new snapshot.
    const watcher = await open(url);
    await ok(watcher, "subscribe:market", { slug: market, outcome: "NO" });
    watcher.disconnect();
    await ok(late, "order:place", order(market, "BUY NO 3 @ 0.20"));
    const book = new Book("NO").follow(watcher);
    watcher.connect();
    await new Promise((resolve) => watcher.once("connect", resolve));
    await ok(watcher, "subscribe:market", { slug: market, outcome: "NO" });
    await until(() => book.seq !== null, "the snapshot");
    assert.deepEqual(book.levels("bids").at(0), [2000, 300]);
    await ok(watcher, "unsubscribe:market", { slug: market });
    const count = watcher.heard.length;
    await ok(late, "order:cancel_all");
    await ok(watcher, "ping");
    assert.deepEqual(watcher.heard.slice(count).filter(([event]) => event === "orderbook_update"), []);

    // Logging out closes every live socket of the session, with the reason in the close frame.
    const closed = new Promise((resolve) => late.once("disconnect", (reason, details) => resolve(details)));
    await rest(url, "POST", "/auth/logout", ann.token);
    const { context } = await closed;
    assert.deepEqual([context.code, context.reason], [1008, "session ended"]);
    const refused = await open(url, ann.token).then(() => null, (error) => error);
    assert.equal(refused.data.code, "UNAUTHORIZED");
  },

  // 8 sockets with 16 orders in flight each: the order of sending is the order of running, and a
  // watcher that recomputes every checksum ends with the server's book.
  async flight({ url, market, users }) {
    const inFlight = 16;
    const rounds = 12;
    const watcher = await open(url);
    const books = ["YES", "NO"].map((outcome) => new Book(outcome).follow(watcher));
    await ok(watcher, "subscribe:market", { slug: market });
    await Promise.all(
      users.slice(0, 8).map(async (user, index) => {
        const socket = await open(url, user.token, { namespace: index % 2 ? "/ws" : "" });
        const acks = [];
        for (let round = 0; round < rounds; round += 1) {
          const sent = [];
          for (let turn = 0; turn < inFlight; turn += 1) {
            const price = (0.4 + ((index * 7 + round * 3 + turn) % 20) / 100).toFixed(2);
            const outcome = (turn + index) % 2 ? "NO" : "YES";
            sent.push(ok(socket, "order:place", order(market, `BUY ${outcome} ${1 + turn} @ ${price}`,
              { clientOrderId: `${round}-${turn}`, selfTradePrevention: "CANCEL_MAKER" })));
          }
          acks.push(...(await Promise.all(sent)));
        }
        const seqs = acks.map((ack) => ack.order.seq);
        assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
        assert.equal(new Set(acks.map((ack) => ack.order.id)).size, inFlight * rounds);
        await ok(socket, "ping");
        const mine = socket.heard.filter(([event]) => PRIVATE.includes(event)).map(([, data]) => data.accountSeq);
        assert.deepEqual(mine, mine.map((_, place) => mine[0] + place), "dense");
      }),
    );
    for (const book of books) {
      const truth = await rest(url, "GET", `/markets/${market}/orderbook?outcome=${book.outcome}&depth=100`);
      await until(() => book.seq >= truth.seq, "the last change");
      assert.deepEqual([book.seq, book.checksum()], [truth.seq, truth.checksum]);
      assert.deepEqual(book.levels("bids").length, truth.bids.length);
    }
    const numbers = heard(watcher, "trade_executed").map((trade) => trade.tradeNo);
    assert.ok(numbers.length > 100, "they traded");
    assert.deepEqual(numbers, numbers.map((_, place) => numbers[0] + place), "dense");
    const seqs = heard(watcher, "trade_executed").map((trade) => trade.seq);
    assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
  },
};

const [name, config] = process.argv.slice(2);
try {
  await scenarios[name](JSON.parse(config));
} finally {
  closeAll();
}
