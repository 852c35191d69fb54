// What the scenarios share: connecting with the real socket.io-client, trading, and a reader's
// model of a book that recomputes every checksum for itself.

import assert from "node:assert/strict";
import { io } from "socket.io-client";

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** CRC-32 as zlib computes it, unsigned. */
export function crc32(text) {
  let sum = 0xffffffff;
  for (const byte of Buffer.from(text, "ascii")) sum = CRC_TABLE[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

const opened = [];

/** Open a socket; resolves when it is connected, rejects with the connect error. */
export async function open(url, token, { path = "/ws", namespace = "", ...options } = {}) {
  const socket = io(url + namespace, {
    path,
    transports: ["websocket"],
    auth: token ? { token } : {},
    forceNew: true,
    reconnection: false,
    ...options,
  });
  opened.push(socket);
  socket.heard = [];
  socket.onAny((event, data) => socket.heard.push([event, data]));
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
}

export function closeAll() {
  for (const socket of opened) socket.close();
}

/** Send an event that must be done; returns its data. */
export async function ok(socket, event, ...args) {
  const answer = await socket.timeout(10_000).emitWithAck(event, ...args);
  assert.equal(answer.ok, true, `${event}: ${JSON.stringify(answer)}`);
  return answer.data;
}

/** Send an event that must be refused; returns the error. */
export async function refusal(socket, event, ...args) {
  const answer = await socket.timeout(10_000).emitWithAck(event, ...args);
  assert.equal(answer.ok, false, `${event}: ${JSON.stringify(answer)}`);
  assert.equal(typeof answer.error.message, "string");
  assert.ok(Array.isArray(answer.error.details));
  return answer.error;
}

export function heard(socket, event) {
  return socket.heard.filter(([name]) => name === event).map(([, data]) => data);
}

/** Wait until a condition holds. */
export async function until(condition, what) {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The payload of e.g. "BUY YES 10 @ 0.55". */
export function order(market, text, more = {}) {
  const [side, outcome, quantity, , price] = text.split(" ");
  return { market, side, outcome, type: "LIMIT", quantity, price, ...more };
}

/** Call the REST API. */
export async function rest(url, method, path, token, body) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return (await answer.json()).data;
}

const units = (text, places) => {
  assert.match(text, new RegExp(`^[0-9]+\\.[0-9]{${places}}$`));
  return Number(text.replace(".", ""));
};

/** A book as a reader keeps it. */
export class Book {
  constructor(outcome) {
    this.outcome = outcome;
    this.seq = null;
    this.bids = new Map();
    this.asks = new Map();
  }

  /** Follow a socket's messages from now on. */
  follow(socket) {
    socket.on("orderbook_update", (message) => {
      if (message.outcome === this.outcome) this.apply(message);
    });
    return this;
  }

  apply(message) {
    if (message.kind === "snapshot") {
      this.bids.clear();
      this.asks.clear();
    } else {
      assert.equal(message.prevSeq, this.seq, "a gap");
    }
    this.seq = message.seq;
    for (const side of ["bids", "asks"]) {
      for (const [price, quantity] of message[side]) {
        const amount = units(quantity, 2);
        if (amount) this[side].set(units(price, 4), amount);
        else this[side].delete(units(price, 4));
      }
    }
    assert.equal(message.checksum, this.checksum(), "checksum");
  }

  levels(side) {
    const sign = side === "bids" ? -1 : 1;
    return [...this[side]].sort(([a], [b]) => sign * (a - b));
  }

  checksum() {
    const digest = (side) =>
      this.levels(side)
        .slice(0, 10)
        .map((level) => level.join(":"))
        .join(",");
    return crc32(`${digest("bids")}|${digest("asks")}`);
  }
}
