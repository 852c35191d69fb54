import { beforeEach, expect, test, vi } from "vitest";

let seconds = 0;
let begun = 0;

/** What is used of Web Audio, counting tones. */
class Context {
  get currentTime() {
    return seconds;
  }
  readonly destination = {};
  resume() {
    return Promise.resolve();
  }
  createOscillator() {
    return { frequency: { value: 0 }, connect: (next: object) => next, start: () => (begun += 1), stop: () => undefined };
  }
  createGain() {
    return { gain: { setValueAtTime: () => undefined, linearRampToValueAtTime: () => undefined }, connect: (next: object) => next };
  }
}

/** The sounds of a page that was just opened, wanted and touched. */
async function page() {
  vi.resetModules();
  const listening: (() => void)[] = [];
  vi.stubGlobal("addEventListener", (_: string, listener: () => void) => listening.push(listener));
  vi.stubGlobal("AudioContext", Context);
  const { awaitTouch, play } = await import("@/shell/sounds");
  const { sounds } = await import("@/shell/preferences");
  sounds.value = true;
  awaitTouch();
  return { play, sounds, touch: () => listening.forEach((listener) => listener()) };
}

beforeEach(() => {
  [seconds, begun] = [1, 0];
});

test("there is none before a touch, nor for whoever wants none", async () => {
  const { play, sounds, touch } = await page();
  play("fill");
  touch();
  sounds.value = false;
  play("fill");
  expect(begun).toBe(0);
  sounds.value = true;
  play("fill");
  expect(begun).toBe(2);
});

test("of many fills at once one is heard: as many tones together would be as many times as loud", async () => {
  const { play, touch } = await page();
  touch();
  for (let times = 0; times < 50; times += 1) play("fill");
  expect(begun).toBe(2);
  play("refusal");
  expect(begun).toBe(4);
  seconds += 0.5;
  play("fill");
  expect(begun).toBe(6);
});
