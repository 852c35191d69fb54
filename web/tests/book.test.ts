import { describe, expect, test } from "vitest";
import { Book, type WireLevel } from "@/book/book";
import { crc32 } from "@/book/crc32";
import { Sequence } from "@/book/sequence";
import { KEPT, Tape, type Print } from "@/book/tape";

const BIDS: WireLevel[] = [["0.5500", "10.00"], ["0.5400", "3.00"]];
const ASKS: WireLevel[] = [["0.5600", "7.50"]];

function book(bids = BIDS, asks = ASKS): Book {
  const made = new Book();
  made.replace(bids, asks);
  return made;
}

describe("the book", () => {
  test("has the sum of the documentation's example", () => {
    expect(crc32("5500:1000,5400:300|5600:750")).toBe(3_795_016_920);
    expect(book().checksum()).toBe(3_795_016_920);
  });
  test("quantities are absolute and 0 takes a level away", () => {
    const made = book();
    made.apply([["0.5500", "0.00"], ["0.5300", "1.00"]], [["0.5700", "2.00"]]);
    expect(made.levels("bids", 10)).toEqual([[5400, 300], [5300, 100]]);
    expect(made.levels("asks", 10)).toEqual([[5600, 750], [5700, 200]]);
    expect([made.bestBid, made.bestAsk, made.middle]).toEqual([5400, 5600, 5500]);
  });
  test("an emptied side has no best", () => {
    const made = book();
    made.apply([["0.5500", "0.00"], ["0.5400", "0.00"]], []);
    expect(made.bestBid).toBeNull();
    expect(made.middle).toBe(5600);
    made.apply([["0.0100", "1.00"]], []);
    expect(made.bestBid).toBe(100);
  });
  test("says which prices to paint, everything after a whole book", () => {
    const made = book();
    expect(made.takeDirty()).toBeNull();
    made.apply([["0.5400", "4.00"]], []);
    expect(made.takeDirty()).toEqual(new Set([5400]));
    expect(made.takeDirty()).toEqual(new Set());
  });
  test("a sweep walks the levels", () => {
    const made = book(BIDS, [["0.5600", "10.00"], ["0.6000", "10.00"]]);
    expect(made.sweep("asks", 2000)).toEqual({ average: 5800, last: 6000, short: 0 });
    expect(made.sweep("asks", 3000)).toEqual({ average: 5800, last: 6000, short: 1000 });
    expect(new Book().sweep("asks", 100)).toEqual({ average: null, last: null, short: 100 });
  });
  test("random changes leave what a plain map has", () => {
    const made = new Book();
    const twin = new Map<number, number>();
    made.replace([], []);
    let state = 7;
    const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
    for (let step = 0; step < 5_000; step += 1) {
      const price = (1 + random(50)) * 100;
      const quantity = random(3) * 100;
      twin.set(price, quantity);
      made.apply([[(price / 10_000).toFixed(4), (quantity / 100).toFixed(2)]], []);
      const alive = [...twin].filter(([, size]) => size > 0).sort((a, b) => b[0] - a[0]);
      expect(made.bestBid).toBe(alive[0]?.[0] ?? null);
    }
    expect(made.levels("bids", 100)).toEqual([...twin].filter(([, size]) => size > 0).sort((a, b) => b[0] - a[0]));
  });
});

describe("the sequence", () => {
  const snapshot = (seq: number, epoch = 1) => ({ epoch, seq, prevSeq: null, kind: "snapshot" }) as const;
  const delta = (prevSeq: number, seq: number, epoch = 1) => ({ epoch, seq, prevSeq, kind: "delta" }) as const;
  test("goes from a snapshot along a chain", () => {
    const sequence = new Sequence();
    expect(sequence.take(delta(4, 5))).toBe("ignore");
    expect(sequence.take(snapshot(5))).toBe("replace");
    expect(sequence.take(delta(5, 8))).toBe("apply");
    expect(sequence.take(delta(5, 8))).toBe("ignore");
    expect(sequence.take(snapshot(6))).toBe("ignore");
    expect(sequence.resumeFrom).toEqual({ afterSeq: 8, epoch: 1 });
  });
  test("a gap asks once, and what was missed mends it", () => {
    const sequence = new Sequence();
    sequence.take(snapshot(5));
    expect(sequence.take(delta(6, 7))).toBe("resync");
    expect(sequence.phase).toBe("resyncing");
    expect(sequence.take(delta(7, 8))).toBe("ignore");
    expect(sequence.take(delta(5, 6))).toBe("apply");
    expect(sequence.phase).toBe("live");
    expect(sequence.take(delta(6, 9))).toBe("apply");
    expect(sequence.resyncs).toBe(1);
  });
  test("a heartbeat that is ahead, and another epoch, are gaps", () => {
    const sequence = new Sequence();
    expect(sequence.hear(1, 3)).toBe("ignore");
    sequence.take(snapshot(5));
    expect(sequence.hear(1, 5)).toBe("ignore");
    expect(sequence.hear(1, 6)).toBe("resync");
    expect(sequence.hear(1, 7)).toBe("ignore");
    sequence.take(snapshot(9));
    expect(sequence.take(delta(9, 10, 2))).toBe("resync");
    expect(sequence.take(snapshot(1, 2))).toBe("replace");
    expect(sequence.epoch).toBe(2);
  });
});

describe("the tape", () => {
  const print = (tradeNo: number): Print => ({ id: String(tradeNo), tradeNo, price: 5000, quantity: 100, isUp: true, at: 0, seq: tradeNo * 10 });
  test("has each print once, newest first, and knows what is missing", () => {
    const tape = new Tape();
    expect(tape.add([print(3), print(2)])).toBe(true);
    expect(tape.add([print(3)])).toBe(false);
    tape.add([print(6)]);
    expect(tape.prints.map((one) => one.tradeNo)).toEqual([6, 3, 2]);
    expect(tape.missing(3)).toBeNull();
    expect(tape.missing(6)).toBe(29);
    tape.add([print(5), print(4)]);
    expect(tape.missing(6)).toBeNull();
  });
  test("is bounded", () => {
    const tape = new Tape();
    for (let number = 1; number <= KEPT + 50; number += 1) tape.add([print(number)]);
    expect(tape.prints.length).toBe(KEPT);
    expect(tape.upTo).toBe(KEPT + 50);
  });
  test("has every print of another venue, numbered or not, in the order of time", () => {
    const tape = new Tape();
    const read = (id: string, at: number): Print => ({ ...print(0), id, at, tradeNo: null });
    tape.add([read("b", 2), read("a", 1)]);
    expect(tape.add([{ ...print(1), id: "b", at: 2 }])).toBe(false);
    tape.add([{ ...print(2), id: "c", at: 3 }]);
    expect(tape.prints.map((one) => one.id)).toEqual(["c", "b", "a"]);
  });
  test("waits for nothing behind the oldest print it keeps", () => {
    const tape = new Tape();
    tape.add([print(1)]);
    for (let number = 3; number <= KEPT + 3; number += 1) tape.add([print(number)]);
    expect(tape.upTo).toBe(KEPT + 3);
    expect(tape.missing(KEPT + 3)).toBeNull();
  });
  test("numbers anew after it was cleared", () => {
    const tape = new Tape();
    tape.add([print(700)]);
    tape.clear();
    tape.add([print(1), print(2)]);
    expect([tape.upTo, tape.prints.length]).toEqual([2, 2]);
  });
});
