// What every program needs that trades here: a session that stays fresh, a book, an order.
//
// Laws: integers for money; what an order came to is read from the order, which is shown whole each
// time, whatever got lost between. `maker.mjs` is what one makes of it.

export const [PRICE, SHARES, CASH] = [4, 2, 6]; // decimal places: a price times shares is cash, exactly

/** Turn "0.55" into 5500, for 4 places. */
export function units(text, places) {
  const [whole, rest = ""] = text.split(".");
  return Number(whole + rest.padEnd(places, "0"));
}

/** Turn -5500 into "-0.5500", for 4 places. */
export function decimal(number, places) {
  const digits = String(Math.abs(number)).padStart(places + 1, "0");
  return `${number < 0 ? "-" : ""}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The exchange said no, and perhaps when to come again. */
export class Refused extends Error {
  constructor(code, retryAfter = 1) {
    super(code);
    Object.assign(this, { code, retryAfter });
  }
}

/** REST, signed in for as long as it takes: the cookie renews the token before it expires. */
export class Api {
  constructor(url, email, password) {
    Object.assign(this, { base: `${url}/api/v1`, person: { email, password } });
    Object.assign(this, { token: "", cookie: "", renewAt: 0, renewals: 0 });
  }

  /** Have a token with a third of its life left at least; true if it is another one. */
  async fresh() {
    if (Date.now() < this.renewAt) return false;
    const signedIn = await this.call("POST", "/auth/refresh").catch((error) => {
      if (error.code !== "UNAUTHORIZED") throw error;
      // The first time, or the session is over.
      return this.call("POST", "/auth/login", this.person);
    });
    this.token = signedIn.accessToken;
    this.renewAt = Date.now() + (signedIn.expiresIn * 2_000) / 3;
    this.renewals += 1;
    return true;
  }

  /** Return the data of the answer; throws Refused. */
  async call(method, path, body) {
    // The cookie counts with X-Requested-With alone.
    const headers = { "Content-Type": "application/json", "X-Requested-With": "fetch", cookie: this.cookie };
    if (!path.startsWith("/auth/")) headers.authorization = `Bearer ${this.token}`;
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(this.base + path, { method, headers, signal, body: body && JSON.stringify(body) });
    const { data, error } = await answer.json();
    this.cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? this.cookie;
    if (answer.ok) return data;
    if (error.code === "UNAUTHORIZED") this.renewAt = 0;
    throw new Refused(error.code, Number(answer.headers.get("retry-after") ?? 1));
  }
}

const BITS = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit += 1) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

/** CRC-32 as zlib has it. */
export function crc32(text) {
  let sum = -1;
  for (const byte of Buffer.from(text)) sum = BITS[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** The book of YES as docs/sockets.md says; `seq` is null while a snapshot is awaited. */
export class Book {
  constructor() {
    Object.assign(this, { seq: null, epoch: 0, bids: new Map(), asks: new Map() });
  }

  /** Take a snapshot, or the delta that follows; false means that one is missing. */
  apply(update) {
    if (update.kind === "snapshot") [this.bids, this.asks] = [new Map(), new Map()];
    else if (update.epoch !== this.epoch || update.prevSeq !== this.seq) return false;
    for (const name of ["bids", "asks"]) {
      for (const [price, quantity] of update[name]) {
        if (units(quantity, SHARES)) this[name].set(units(price, PRICE), units(quantity, SHARES));
        else this[name].delete(units(price, PRICE));
      }
    }
    [this.epoch, this.seq] = [update.epoch, update.seq];
    return true;
  }

  /** Return what the exchange's checksum of this book would be. */
  checksum() {
    const best = (side, sign) => [...side].sort(([a], [b]) => sign * (a - b)).slice(0, 10);
    const text = (levels) => levels.map((level) => level.join(":")).join(",");
    return crc32(`${text(best(this.bids, -1))}|${text(best(this.asks, 1))}`);
  }
}

/** One order of ours, from before it is sent until it is over. */
export class Order {
  constructor(body) {
    Object.assign(this, { body, outcome: body.outcome, price: units(body.price ?? "0", PRICE) });
    Object.assign(this, { id: "", status: "", seq: 0, filled: 0, fees: 0, taken: 0, takenCash: 0 });
  }

  /** Take the order as an answer, a message or a read shows it, in any order of these. */
  update({ seq, status, filled, fees }) {
    if (seq < this.seq) return;
    Object.assign(this, { seq, status, filled: units(filled, SHARES), fees: units(fees, CASH) });
  }

  /** Take the answer to its placing, with all that it took: the same however often asked. */
  answered({ order, trades }) {
    const took = trades.map((trade) => [units(trade.price, PRICE), units(trade.quantity, SHARES)]);
    this.taken = took.reduce((sum, [, quantity]) => sum + quantity, 0);
    this.takenCash = took.reduce((sum, [price, quantity]) => sum + price * quantity, 0);
    this.id = order.id;
    this.update(order);
  }

  /** What was paid: to makers their prices, by takers its own, and the fees. */
  get cost() {
    return this.takenCash + (this.filled - this.taken) * this.price + this.fees;
  }

  get isOver() {
    return this.id !== "" && this.status !== "OPEN" && this.status !== "PARTIAL";
  }
}
