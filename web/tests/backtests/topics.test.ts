// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { followTopic, newer } from "@/feed/topics";

const { heard, opened } = vi.hoisted(() => ({ heard: new Map<string, (message: object) => void>(), opened: [] as (() => void)[] }));
vi.mock("@/feed/line", () => ({ line: { on: (event: string, listener: (message: object) => void) => (heard.set(event, listener), () => heard.delete(event)), onOpen: (open: () => void) => (opened.push(open), open(), () => opened.pop()) } }));

test("what is told is taken, and a gap, another epoch and a new line are missed", () => {
  const took: string[] = [];
  let missed = 0;
  const stop = followTopic("backtest_updated", (message) => took.push(message.id), () => (missed += 1));
  const tell = (topicSeq: number, topicEpoch = 9) => heard.get("backtest_updated")?.({ id: String(topicSeq), topic: "backtests", topicEpoch, topicSeq });
  const beat = (backtests: number) => heard.get("heartbeat")?.({ topicEpoch: 9, topics: { backtests } });
  beat(3);
  expect(missed).toBe(0);
  tell(4);
  beat(4);
  expect(missed).toBe(0);
  tell(6);
  expect(missed).toBe(1);
  beat(7);
  expect(missed).toBe(2);
  tell(1, 10);
  expect([took, missed]).toEqual([["4", "6", "1"], 3]);
  opened[0]?.();
  expect(missed).toBe(4);
  stop();
  expect([heard.size, opened.length]).toEqual([0, 0]);
});

test("what was told counts until it is read that it has ended", () => {
  const read = { id: "1", endedAt: null, n: 1 };
  expect(newer(read, { id: "1", endedAt: null, n: 2 }).n).toBe(2);
  expect(newer({ ...read, endedAt: "x" }, { id: "1", endedAt: null, n: 2 }).n).toBe(1);
  expect(newer(read, undefined)).toBe(read);
});
