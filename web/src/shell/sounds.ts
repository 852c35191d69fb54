// Short tones for what happens while one looks elsewhere: a fill, a refusal, an alert.
//
// Laws: silent unless its reader wants it, and never before a click or a key on this page, which is stricter
// than browsers are: they let one page's click count for the next. What is heard is always shown as well.
// Of one kind one is heard at a time: an order that fills in fifty parts is no fifty times as loud.

import { sounds } from "./preferences";

export type Sound = "fill" | "refusal" | "alert";

/** Frequencies in Hz, one after the other. */
const TONES: Readonly<Record<Sound, readonly number[]>> = { fill: [660, 990], refusal: [220, 175], alert: [880, 880, 880] };
const TONE_S = 0.09;
const APART_S = 0.03;
const LOUD = 0.12;

let context: AudioContext | null = null;
let isTouched = false;
/** When the last one of each is over, by the context's clock (s). */
const overAt: Partial<Record<Sound, number>> = {};

/** Hear of the first click or key, before which there are no sounds. */
export function awaitTouch(): void {
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (isTouched = true), { once: true, capture: true });
}

/** Make a sound, if sounds are wanted and may be made. */
export function play(sound: Sound): void {
  if (!sounds.peek() || !isTouched || typeof AudioContext === "undefined") return;
  const made = (context ??= new AudioContext());
  void made.resume();
  if (made.currentTime < (overAt[sound] ?? 0)) return;
  overAt[sound] = made.currentTime + TONES[sound].length * (TONE_S + APART_S);
  TONES[sound].forEach((frequency, index) => tone(made, frequency, index * (TONE_S + APART_S)));
}

function tone(made: AudioContext, frequency: number, after: number): void {
  const begins = made.currentTime + after;
  const [wave, level] = [made.createOscillator(), made.createGain()];
  wave.frequency.value = frequency;
  // It swells and fades: a tone that is cut off clicks.
  level.gain.setValueAtTime(0, begins);
  level.gain.linearRampToValueAtTime(LOUD, begins + TONE_S / 4);
  level.gain.linearRampToValueAtTime(0, begins + TONE_S);
  wave.connect(level).connect(made.destination);
  wave.start(begins);
  wave.stop(begins + TONE_S);
}
