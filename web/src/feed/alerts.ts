// What alerts tell while the page is open: shown at its edge and, if that is wanted, by the browser.
//
// Laws: each is told once; what was missed (a number left out, another epoch of the stream) is read
// from the history, but nothing from before the page was opened, by the exchange's clock; a reading
// that fails is done again with the next heartbeat. A browser's notification is made
// only where its permission was given, which is asked for by a click on the alerts page alone.

import { effect, signal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { FiringView } from "@/api/schema";
import { moreMissed, textOf, titleOf } from "@/alerts/words";
import { isSignedIn, user } from "@/session/session";
import { notify } from "@/shell/notices";
import { play } from "@/shell/sounds";
import { rememberedSwitch } from "@/shell/preferences";
import { line } from "./line";
import type { Heartbeat } from "./messages";

const TOPIC = "alerts";
const PAGE = 100;
/** Pages that are read of what was missed, and how much of it is told one by one. */
const PAGES_MOST = 5;
const TOLD_MOST = 20;
const REMEMBERED = 1_000;

/** Whether the browser itself shows what alerts tell. */
export const wantsNotifications = rememberedSwitch("alerts.notify", false);
/** Moves with each one that was told, so that lists of them are read anew. */
export const toldCount = signal(0);

/** Where a numbered stream stands, and whether something of it is missing. */
export class Stream {
  private epoch: number | null = null;
  private seq = 0;

  /** Take a message's numbers; returns whether one before it is missing. */
  took(epoch: number, seq: number): boolean {
    const isGap = this.epoch === null ? false : epoch !== this.epoch || seq > this.seq + 1;
    [this.epoch, this.seq] = [epoch, seq];
    return isGap;
  }

  /** Compare with a heartbeat; returns whether something is missing. */
  beat(epoch: number | undefined, seq: number | undefined): boolean {
    if (epoch === undefined || seq === undefined) return false;
    const isBehind = this.epoch === null ? seq > 0 : epoch !== this.epoch ? seq > 0 : seq > this.seq;
    [this.epoch, this.seq] = [epoch, seq];
    return isBehind;
  }
}

let stream = new Stream();
/** When whoever is signed in was there first, by this machine's clock. */
let beganAt = Date.now();
/** By how much the exchange's clock is ahead of this machine's, in milliseconds; null until it is heard. */
let aheadMs: number | null = null;
/** Whether a reading failed. */
let isOwing = false;
const told = new Set<string>();

function remember(id: string): void {
  told.add(id);
  for (const oldest of told) {
    if (told.size <= REMEMBERED) break;
    told.delete(oldest);
  }
}

function tell(firing: FiringView): void {
  if (told.has(firing.id)) return;
  remember(firing.id);
  toldCount.value += 1;
  play("alert");
  const [title, text] = [titleOf(firing), textOf(firing)];
  notify(firing.kind === "WEBHOOK_DISABLED" ? "bad" : "good", title, text);
  if (!wantsNotifications.peek() || typeof Notification === "undefined" || Notification.permission !== "granted") return;
  try {
    new Notification(title, { body: text, tag: `probity-alert-${firing.id}` });
  } catch {
    // Some phones let service workers alone notify: the page has shown it.
  }
}

async function readMissed(): Promise<void> {
  if (!isSignedIn.peek() || aheadMs === null) return;
  const since = new Date(beganAt + aheadMs).toISOString();
  const whose = user.peek()?.id;
  const missed: FiringView[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MOST; page += 1) {
    const answer = await rest.call("get", "/alerts/firings", { query: { limit: PAGE, cursor } });
    if (user.peek()?.id !== whose) return;
    const found = answer.data.filter((firing) => firing.at >= since && !told.has(firing.id));
    missed.push(...found);
    // Ids are in the order of writing: behind the first that is known or old there is nothing new.
    if (found.length < answer.data.length || answer.nextCursor === null) break;
    cursor = answer.nextCursor;
  }
  // The page's edge holds a few: what is older is counted, and stands in the history.
  const untold = missed.slice(TOLD_MOST);
  for (const firing of untold) remember(firing.id);
  if (untold.length > 0) {
    toldCount.value += 1;
    notify("plain", moreMissed(untold.length));
  }
  for (const firing of missed.slice(0, TOLD_MOST).reverse()) tell(firing);
}

function catchUp(): void {
  isOwing = false;
  const mine = stream;
  readMissed().catch(() => (isOwing ||= mine === stream));
}

/** Tell what alerts tell whoever is signed in, until the page is gone. */
export function startAlerts(): void {
  line.on("alert_triggered", (message) => {
    if (stream.took(message.topicEpoch, message.topicSeq)) catchUp();
    tell(message);
  });
  line.on("heartbeat", (message: Heartbeat) => {
    aheadMs ??= Date.parse(message.timestamp) - Date.now();
    if (stream.beat(message.topicEpoch, message.topics?.[TOPIC]) || isOwing) catchUp();
  });
  let opened = 0;
  // What was told while there was no line isn't in the numbers of the next one.
  line.onOpen(() => {
    opened += 1;
    if (opened > 1) catchUp();
  });
  let whose: string | null = null;
  effect(() => {
    const id = user.value?.id ?? null;
    if (id !== whose) {
      stream = new Stream();
      beganAt = Date.now();
      isOwing = false;
      told.clear();
    }
    whose = id;
  });
}
