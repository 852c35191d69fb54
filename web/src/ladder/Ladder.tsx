// The ladder: every price of the market in one place each, where a price never moves under the cursor.
//
// Laws: it scrolls only when its reader says so (wheel, keys, "centre"), and once at the start. It
// places nothing unless it is armed and the feed is live. An order that is dragged to another row becomes
// an amend. Keys act at the row that is marked for them, which stays at its price whatever steps there are;
// where none is marked, or the mark isn't seen, a key shows it and does nothing else.

import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { BookSource } from "@/book/source";
import { oncePerFrame } from "@/feed/frames";
import { palette, shownTheme } from "@/shell/preferences";
import { PRICE_SCALE, formatQuantity } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { Geometry } from "./geometry";
import "./ladder.css";
import { LadderTable } from "./LadderTable";
import { largestOf, rowQuantity, type OwnOrder } from "./levels";
import { Painter, columnsOf, paletteOf, zoneAt, type Scene } from "./paint";
import { Press } from "./press";
import { t } from "./texts";

export interface LadderProps {
  readonly feed: BookSource;
  readonly tick: number;
  readonly lastPrice: ReadonlySignal<number | null>;
  readonly orders: ReadonlySignal<readonly OwnOrder[]>;
  /** What stands before each own order, by its id. */
  readonly queue: ReadonlySignal<ReadonlyMap<string, string>>;
  readonly isArmed: Signal<boolean>;
  /** Whether the feed may be traded on. */
  readonly isLive: ReadonlySignal<boolean>;
  /** Whether the book is of the past, which nothing is placed on. */
  readonly isPast: boolean;
  /** Arms or disarms it; null where it can't be. */
  readonly onArm: (() => void) | null;
  /** How long a click or a key that places has to be held, in milliseconds: 0 for a plain click. */
  readonly holdMs: number;
  readonly onPick: (yesPrice: number, outcome: "YES" | "NO") => void;
  readonly onPlace: (yesPrice: number, outcome: "YES" | "NO") => void;
  readonly onMove: (order: OwnOrder, yesPrice: number) => void;
  readonly onCancel: (orders: readonly OwnOrder[]) => void;
}

const CENT = 100;
const isCoarse = () => matchMedia("(pointer: coarse)").matches;

export function Ladder(props: LadderProps) {
  const step = useSignal(Math.max(CENT, props.tick));
  const isTable = useSignal(false);
  const view = useMemo(() => new LadderView(), []);
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const spoken = useSignal("");
  /** The price of YES that keys act at. */
  const cursor = useSignal<number | null>(null);
  const geometry = useMemo(() => new Geometry(step.value, isCoarse() ? 30 : 20), [step.value]);
  view.props = props;

  useEffect(() => {
    if (scroller.current === null || canvas.current === null || isTable.value) return undefined;
    return view.mount(scroller.current, canvas.current, geometry);
  }, [geometry, isTable.value, props.feed]);
  // Colours and own orders change seldom: everything is painted anew.
  useEffect(() => view.repaint(true), [props.orders.value, props.queue.value, props.lastPrice.value, shownTheme.value, palette.value]);

  const marked = cursor.value === null ? null : geometry.rowOf(cursor.value, "bid");
  useEffect(() => view.showCursor(marked), [geometry, isTable.value, props.feed, marked]);

  const moveCursor = (row: number) => {
    const bounded = Math.max(0, Math.min(geometry.rows - 1, row));
    cursor.value = geometry.priceOf(bounded);
    view.reveal(bounded);
    spoken.value = view.words(bounded);
  };
  const heldKey = useRef<{ code: string; at: number; price: number; outcome: "YES" | "NO" } | null>(null);
  const pressKey = (event: KeyboardEvent, price: number, outcome: "YES" | "NO") => {
    if (props.holdMs === 0) view.place(price, outcome);
    else heldKey.current = { code: event.code, at: event.timeStamp, price, outcome };
  };
  const onKeyUp = (event: KeyboardEvent) => {
    const held = heldKey.current;
    if (held?.code !== event.code) return;
    heldKey.current = null;
    if (event.timeStamp - held.at < props.holdMs) props.onPick(held.price, held.outcome);
    else view.place(held.price, held.outcome);
  };
  /** What a key does at a row; null if it does nothing there. */
  const deedOf = (event: KeyboardEvent, row: number): (() => void) | null => {
    const price = geometry.priceOf(row);
    if (price === null || !isPlain(event)) return null;
    if (event.key === "Enter") return () => props.onPick(price, "YES");
    if (event.key === "Delete") return () => props.onCancel(view.ownOn(row));
    if (event.code === "KeyB") return () => pressKey(event, price, "YES");
    return event.code === "KeyN" ? () => pressKey(event, price, "NO") : null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = marked ?? view.middleRow();
    const moves: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10 };
    const move = moves[event.key];
    const deed = deedOf(event, at);
    if (move !== undefined) moveCursor(marked === null ? at : at + move);
    else if (deed === null) return;
    else if (marked === null || !view.sees(at)) moveCursor(at);
    else deed();
    event.preventDefault();
    event.stopPropagation();
  };
  const isArmed = props.isArmed.value && props.isLive.value;
  return (
    <section class={`panel ladder ${isArmed ? "armed" : ""} ${props.isPast ? "past" : props.isLive.value ? "" : "stale"}`} aria-label={t("title")}>
      <header>
        <h2>{t("title")}</h2>
        <div class="row tools">
          {props.tick < CENT && (
            <button class="button bare small" aria-pressed={step.value < CENT} onClick={() => (step.value = step.value < CENT ? CENT : props.tick)}>{t("finer")}</button>
          )}
          <button class="button bare small" aria-pressed={isTable.value} onClick={() => (isTable.value = !isTable.value)}>{t(isTable.value ? "asLadder" : "asTable")}</button>
          <button class="button bare small" data-centre title={t("recentreHint")} onClick={() => view.centre()}>{t("recentre")}</button>
          {props.onArm !== null && (
            <button class="button small arm" aria-pressed={props.isArmed.value} disabled={!props.isLive.value} title={t(props.isArmed.value ? "armHint" : "disarmed")} onClick={props.onArm}>
              {t(props.isArmed.value ? "armed" : "arm")}
            </button>
          )}
        </div>
      </header>
      {isTable.value ? (
        <LadderTable {...props} />
      ) : (
        <>
          <div class="heads" aria-hidden="true"><span>{t("buyYes")}</span><span>YES</span><span>NO</span><span>{t("buyNo")}</span></div>
          <div ref={scroller} class="scroller" tabIndex={0} role="application" aria-label={t("keys")} data-ladder onKeyDown={onKeyDown} onKeyUp={onKeyUp} onBlur={() => (heldKey.current = null)}>
            <div class="extent"><canvas ref={canvas} aria-hidden="true" /></div>
          </div>
          <p class="visually-hidden" role="status">{spoken.value}</p>
        </>
      )}
      {!props.isLive.value && <p class="veil">{t(props.isPast ? "past" : "stale")}</p>}
    </section>
  );
}

function isPlain(event: KeyboardEvent): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
}

/** The canvas and what moves over it; lives as long as the ladder is shown. */
class LadderView {
  props!: LadderProps;
  private geometry = new Geometry(CENT, 20);
  private painter: Painter | null = null;
  private scroller: HTMLElement | null = null;
  private scene: Scene | null = null;
  private width = 0;
  private height = 0;
  private isWhole = true;
  private isCentred = false;
  private readonly pressed = new Press();
  private pressedAt = 0;
  private hover: HTMLElement | null = null;
  /** Where keys act. */
  private cursor: HTMLElement | null = null;
  private readonly ask = oncePerFrame(() => this.paint());

  mount(scroller: HTMLElement, canvas: HTMLCanvasElement, geometry: Geometry): () => void {
    this.scroller = scroller;
    this.geometry = geometry;
    this.painter = new Painter(canvas);
    this.isCentred = false;
    const extent = canvas.parentElement ?? scroller;
    extent.style.height = `${geometry.height}px`;
    const line = (name: string) => Object.assign(document.createElement("i"), { className: name });
    this.hover = line("hover");
    this.cursor = line("cursor");
    extent.append(this.hover, this.cursor);
    const sized = new ResizeObserver(() => this.resize(canvas));
    sized.observe(scroller);
    const stop = this.props.feed.onBook(() => this.repaint(false));
    const unlisten = this.listen(scroller);
    this.resize(canvas);
    return () => {
      sized.disconnect();
      stop();
      unlisten();
      this.pressed.cancel();
      this.hover?.remove();
      this.cursor?.remove();
      this.cursor = null;
      this.ask.stop();
      this.painter = null;
    };
  }

  private listen(scroller: HTMLElement): () => void {
    const handlers = {
      scroll: () => this.repaint(true),
      pointermove: (event: PointerEvent) => this.point(event),
      pointerleave: () => this.hover?.classList.remove("shown"),
      pointerdown: (event: PointerEvent) => this.press(event),
      pointerup: (event: PointerEvent) => this.release(event),
      pointercancel: () => this.abandon(),
      lostpointercapture: () => this.abandon(),
      contextmenu: (event: MouseEvent) => this.cancelAt(event),
    };
    for (const [name, handler] of Object.entries(handlers)) scroller.addEventListener(name, handler as EventListener, { passive: name === "scroll" });
    return () => {
      for (const [name, handler] of Object.entries(handlers)) scroller.removeEventListener(name, handler as EventListener);
    };
  }

  private resize(canvas: HTMLCanvasElement): void {
    if (this.scroller === null) return;
    this.width = this.scroller.clientWidth;
    this.height = this.scroller.clientHeight;
    canvas.style.height = `${this.height}px`;
    canvas.style.width = `${this.width}px`;
    this.painter?.resize(this.width, this.height);
    this.repaint(true);
  }

  repaint(isWhole: boolean): void {
    this.isWhole ||= isWhole;
    this.ask();
  }

  private paint(): void {
    const { painter, scroller } = this;
    if (painter === null || scroller === null || this.width === 0) return;
    const { book } = this.props.feed;
    const dirty = book.takeDirty();
    if (!this.isCentred && this.props.feed.hasBook) this.centre();
    const largest = largestOf(book, this.geometry, this.geometry.visible(scroller.scrollTop, this.height));
    const isSame = this.scene?.largest === largest && !this.isWhole && dirty !== null;
    this.scene = isSame ? this.scene : this.sceneOf(largest);
    if (this.scene === null) return;
    if (!isSame) painter.paintAll(this.scene, this.height);
    else for (const row of this.rowsOf(dirty)) painter.paintRow(this.scene, row);
    this.isWhole = false;
  }

  /** The rows of prices that changed, with those where the best was and is. */
  private rowsOf(dirty: ReadonlySet<number>): Set<number> {
    const rows = new Set<number>();
    const [first, end] = this.geometry.visible(this.scroller?.scrollTop ?? 0, this.height);
    const add = (row: number | null) => row !== null && row >= first && row < end && rows.add(row);
    const { bestBid, bestAsk } = this.props.feed.book;
    for (const price of [...dirty, ...this.lastBest, bestBid, bestAsk]) {
      if (price === null) continue;
      add(this.geometry.rowOf(price, "bid"));
      add(this.geometry.rowOf(price, "ask"));
    }
    this.lastBest = [bestBid, bestAsk];
    return rows;
  }

  private lastBest: readonly (number | null)[] = [];

  private sceneOf(largest: number): Scene | null {
    if (this.scroller === null) return null;
    const own = new Map<number, OwnOrder[]>();
    for (const order of this.props.orders.peek()) {
      const row = this.geometry.rowOf(order.price, order.side);
      if (row !== null) own.set(row, [...(own.get(row) ?? []), order]);
    }
    return {
      book: this.props.feed.book, geometry: this.geometry, palette: paletteOf(this.scroller), columns: columnsOf(this.width),
      scrollTop: this.scroller.scrollTop, largest, own, queue: this.props.queue.peek(), lastPrice: this.props.lastPrice.peek(), tick: this.props.tick,
    };
  }

  centre(): void {
    const middle = this.props.feed.book.middle ?? this.props.lastPrice.peek() ?? PRICE_SCALE / 2;
    if (this.scroller === null || this.height === 0) return;
    this.scroller.scrollTop = this.geometry.centred(middle, this.height);
    this.isCentred = true;
    this.repaint(true);
  }

  reveal(row: number): void {
    if (this.scroller === null) return;
    this.scroller.scrollTop = this.geometry.revealed(row, this.scroller.scrollTop, this.height);
  }

  /** Whether the whole of a row is in view. */
  sees(row: number): boolean {
    const top = this.scroller?.scrollTop ?? 0;
    // Nothing is scrolled away of a ladder that has no height, and browsers round how far one has scrolled.
    return this.height === 0 || Math.abs(this.geometry.revealed(row, top, this.height) - top) < 2;
  }

  /** Mark the row that keys act at; null for none. */
  showCursor(row: number | null): void {
    if (row !== null) this.lay(this.cursor, row);
    this.cursor?.classList.toggle("shown", row !== null);
  }

  middleRow(): number {
    return this.geometry.rowOf(this.props.feed.book.middle ?? PRICE_SCALE / 2, "bid") ?? 0;
  }

  words(row: number): string {
    const price = this.geometry.priceOf(row) ?? 0;
    const size = (side: "bid" | "ask") => formatQuantity(rowQuantity(this.props.feed.book, this.geometry, row, side));
    const own = this.ownOn(row).map((order) => formatQuantity(order.remaining)).join(", ");
    const words = t("row", { yes: shownPrice(price, this.props.tick), no: shownPrice(PRICE_SCALE - price, this.props.tick), bid: size("bid"), ask: size("ask") });
    return own === "" ? words : `${words} ${t("ownThere", { own })}`;
  }

  ownOn(row: number): readonly OwnOrder[] {
    return this.props.orders.peek().filter((order) => this.geometry.rowOf(order.price, order.side) === row);
  }

  place(price: number, outcome: "YES" | "NO"): void {
    if (this.props.isArmed.peek() && this.props.isLive.peek()) this.props.onPlace(price, outcome);
    else this.props.onPick(price, outcome);
  }

  private rowUnder(event: MouseEvent): number | null {
    if (this.scroller === null) return null;
    const box = this.scroller.getBoundingClientRect();
    return this.geometry.rowAt(event.clientY - box.top + this.scroller.scrollTop);
  }

  private lay(line: HTMLElement | null, row: number): void {
    if (line === null) return;
    line.style.transform = `translateY(${row * this.geometry.rowHeight}px)`;
    line.style.height = `${this.geometry.rowHeight}px`;
  }

  private mark(row: number): void {
    this.lay(this.hover, row);
    this.hover?.classList.add("shown");
  }

  private point(event: PointerEvent): void {
    const row = this.rowUnder(event);
    if (row !== null) this.mark(row);
    this.hover?.classList.toggle("dragging", this.pressed.order !== null);
  }

  private zone(event: MouseEvent) {
    const left = this.scroller?.getBoundingClientRect().left ?? 0;
    return zoneAt(columnsOf(this.width), event.clientX - left);
  }

  private press(event: PointerEvent): void {
    this.abandon();
    const row = this.rowUnder(event);
    const zone = this.zone(event);
    if (row === null || event.button !== 0) return;
    const side = zone === "own-bid" ? "bid" : zone === "own-ask" ? "ask" : null;
    this.pressedAt = event.timeStamp;
    this.pressed.begin(event.pointerId, row, zone, this.ownOn(row).find((order) => order.side === side) ?? null);
    // So that its end is heard wherever it is.
    this.scroller?.setPointerCapture(event.pointerId);
  }

  private abandon(): void {
    this.pressed.cancel();
    this.hover?.classList.remove("dragging");
  }

  private release(event: PointerEvent): void {
    const deed = this.pressed.end(event.pointerId, this.isSeen(event) ? this.rowUnder(event) : null, this.zone(event));
    this.hover?.classList.remove("dragging");
    const price = deed === null ? null : this.geometry.priceOf(deed.row);
    if (deed === null || price === null || event.button !== 0) return;
    if (deed.kind === "move") {
      if (this.props.isLive.peek()) this.props.onMove(deed.order, price);
    } else if (deed.zone === "bid" || deed.zone === "ask") {
      const outcome = deed.zone === "bid" ? "YES" : "NO";
      // Let go too soon it is a plain click, which takes the price into the ticket.
      if (event.timeStamp - this.pressedAt < this.props.holdMs) this.props.onPick(price, outcome);
      else this.place(price, outcome);
    }
    if (deed.kind === "click" && deed.zone === "price") this.props.onPick(price, "YES");
  }

  /** Whether the pointer is over a row that is seen, be it beside the ladder. */
  private isSeen(event: MouseEvent): boolean {
    const box = this.scroller?.getBoundingClientRect();
    return box !== undefined && event.clientY >= box.top && event.clientY < box.bottom;
  }

  private cancelAt(event: MouseEvent): void {
    const row = this.rowUnder(event);
    if (row === null || !this.zone(event).startsWith("own")) return;
    event.preventDefault();
    const side = this.zone(event) === "own-bid" ? "bid" : "ask";
    this.props.onCancel(this.ownOn(row).filter((order) => order.side === side));
  }
}
