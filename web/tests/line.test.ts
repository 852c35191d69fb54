import { expect, test, vi } from "vitest";
import { Line } from "@/feed/line";

interface Fake {
  readonly any: (event: string, message: object) => void;
  readonly disconnect: ReturnType<typeof vi.fn>;
}
const made = vi.hoisted(() => [] as Fake[]);
vi.mock("socket.io-client", () => ({
  io: () => {
    const socket = { on: vi.fn(), removeAllListeners: vi.fn(), offAny: vi.fn(), disconnect: vi.fn(), onAny: (any: Fake["any"]) => made.push({ any, disconnect: socket.disconnect }) };
    return socket;
  },
}));

test("what waited while the page slept isn't believed: the line is made anew", () => {
  vi.stubGlobal("addEventListener", vi.fn());
  vi.useFakeTimers();
  const line = new Line();
  line.start();
  const heard = vi.fn();
  line.on("heartbeat", heard);
  const first = made.at(-1);
  // Heard before the line stands, and long after whatever was heard before.
  first?.any("heartbeat", { markets: [] });
  expect(heard).toHaveBeenCalledTimes(1);
  expect(made.at(-1)).toBe(first);
  expect(line.state.value).toBe("live");
  // Asleep no timer runs, and no message is heard.
  vi.setSystemTime(Date.now() + 5_000);
  first?.any("heartbeat", { markets: [] });
  expect(heard).toHaveBeenCalledTimes(1);
  expect(line.state.value).toBe("connecting");
  expect(first?.disconnect).toHaveBeenCalled();
  expect(made.at(-1)).not.toBe(first);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
