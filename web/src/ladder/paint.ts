// Painting the ladder: a canvas of the rows seen, of which only those that changed are painted anew.
//
//   | own | bids: BUY YES |  YES  |  NO  | asks: BUY NO | own |

import type { Book } from "@/book/book";
import { PRICE_SCALE, formatQuantity } from "@/units/money";
import { shownPrice } from "@/units/prices";
import type { Geometry } from "./geometry";
import { rowQuantity, type OwnOrder } from "./levels";

export interface Palette {
  readonly ink: string;
  readonly quiet: string;
  readonly faint: string;
  readonly panel: string;
  readonly raised: string;
  readonly line: string;
  readonly up: string;
  readonly down: string;
  readonly upSoft: string;
  readonly downSoft: string;
  readonly accent: string;
  readonly onAccent: string;
}

/** The theme's colours as they are now. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour("ink"), quiet: colour("quiet"), faint: colour("faint"), panel: colour("panel"), raised: colour("raised"), line: colour("line"),
    up: colour("up"), down: colour("down"), upSoft: mixed(element, "up"), downSoft: mixed(element, "down"),
    accent: colour("accent"), onAccent: colour("on-accent"),
  };
}

/** A custom property that is itself a formula, as the browser works it out. */
function mixed(element: Element, name: string): string {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.color = `var(--${name}-soft)`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export interface Columns {
  readonly own: number;
  readonly size: number;
  readonly price: number;
  readonly width: number;
}

/** Share out the width: own and price are fixed, the sizes take the rest. */
export function columnsOf(width: number): Columns {
  const price = width < 300 ? 40 : 46;
  const own = width < 300 ? 34 : 46;
  return { own, price, size: (width - 2 * (price + own)) / 2, width };
}

/** Which column is at a place, by what a click there means. */
export type Zone = "own-bid" | "bid" | "price" | "ask" | "own-ask";

export function zoneAt(columns: Columns, x: number): Zone {
  const { own, size, price } = columns;
  if (x < own) return "own-bid";
  if (x < own + size) return "bid";
  if (x < own + size + 2 * price) return "price";
  return x < own + 2 * size + 2 * price ? "ask" : "own-ask";
}

export interface Scene {
  readonly book: Book;
  readonly geometry: Geometry;
  readonly palette: Palette;
  readonly columns: Columns;
  readonly scrollTop: number;
  /** What bars are drawn against. */
  readonly largest: number;
  readonly own: ReadonlyMap<number, readonly OwnOrder[]>;
  readonly queue: ReadonlyMap<string, string>;
  readonly lastPrice: number | null;
  readonly tick: number;
}

const TEXT = 12;
const FONT = 'system-ui, -apple-system, "Segoe UI", sans-serif';
const ROOM_FOR_QUEUE = 76;

export class Painter {
  private readonly context: CanvasRenderingContext2D;
  private ratio = 1;

  constructor(private readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("this browser has no canvas");
    this.context = context;
  }

  /** Fit the canvas to its place, in CSS pixels. */
  resize(width: number, height: number): void {
    this.ratio = Math.max(1, devicePixelRatio);
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
  }

  paintAll(scene: Scene, height: number): void {
    const { context } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.fillStyle = scene.palette.panel;
    context.fillRect(0, 0, scene.columns.width, height);
    const [first, end] = scene.geometry.visible(scene.scrollTop, height);
    for (let row = first; row < end; row += 1) this.paintRow(scene, row);
  }

  /** Paint one row over what was there. */
  paintRow(scene: Scene, row: number): void {
    const { book, geometry, palette, columns } = scene;
    const price = geometry.priceOf(row);
    if (price === null) return;
    const { context } = this;
    const { own, size } = columns;
    const top = row * geometry.rowHeight - scene.scrollTop;
    const height = geometry.rowHeight;
    const bid = rowQuantity(book, geometry, row, "bid");
    const ask = rowQuantity(book, geometry, row, "ask");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.fillStyle = palette.panel;
    context.fillRect(0, top, columns.width, height);
    context.fillStyle = palette.line;
    context.fillRect(0, top + height - 1, columns.width, 1);
    if (bid > 0) this.bar(palette.upSoft, own + size, -Math.max(2, (size * bid) / scene.largest), top, height);
    if (ask > 0) this.bar(palette.downSoft, columns.width - own - size, Math.max(2, (size * ask) / scene.largest), top, height);
    const middle = top + height / 2;
    this.prices(scene, row, price, top, height);
    context.textAlign = "right";
    if (bid > 0) this.text(formatQuantity(bid), own + size - 8, middle, palette.up, isBest(scene, row, "bid"));
    context.textAlign = "left";
    if (ask > 0) this.text(formatQuantity(ask), columns.width - own - size + 8, middle, palette.down, isBest(scene, row, "ask"));
    this.ownOrders(scene, row, top, height);
  }

  private bar(colour: string, x: number, width: number, top: number, height: number): void {
    this.context.fillStyle = colour;
    this.context.fillRect(x, top, width, height - 1);
  }

  private text(text: string, x: number, y: number, colour: string, isBold = false): void {
    this.context.font = `${isBold ? 650 : 450} ${TEXT}px ${FONT}`;
    this.context.textBaseline = "middle";
    this.context.fillStyle = colour;
    this.context.fillText(text, x, y);
  }


  private prices(scene: Scene, row: number, price: number, top: number, height: number): void {
    const { palette, columns, geometry } = scene;
    const left = columns.own + columns.size;
    const isLast = scene.lastPrice !== null && geometry.rowOf(scene.lastPrice, "bid") === row;
    this.context.fillStyle = isLast ? palette.raised : palette.panel;
    this.context.fillRect(left, top, 2 * columns.price, height - 1);
    if (isLast) this.bar(palette.accent, left, 2, top, height);
    const isTouch = isBest(scene, row, "bid") || isBest(scene, row, "ask");
    const shown = Math.min(scene.tick, geometry.step);
    this.context.textAlign = "center";
    this.text(shownPrice(price, shown), left + columns.price / 2, top + height / 2, isTouch ? palette.ink : palette.quiet, isTouch);
    this.text(shownPrice(PRICE_SCALE - price, shown), left + columns.price * 1.5, top + height / 2, isTouch ? palette.quiet : palette.faint, isTouch);
  }

  private ownOrders(scene: Scene, row: number, top: number, height: number): void {
    const orders = scene.own.get(row);
    if (orders === undefined) return;
    for (const side of ["bid", "ask"] as const) {
      const mine = orders.filter((order) => order.side === side);
      if (mine.length === 0) continue;
      const sum = mine.reduce((total, order) => total + order.remaining, 0);
      const x = side === "bid" ? 2 : scene.columns.width - scene.columns.own + 2;
      const width = scene.columns.own - 4;
      this.context.fillStyle = scene.palette.accent;
      this.context.beginPath();
      this.context.roundRect(x, top + 2, width, height - 5, 3);
      this.context.fill();
      this.context.textAlign = "center";
      this.text(short(sum), x + width / 2, top + height / 2, scene.palette.onAccent, true);
      const ahead = mine.length === 1 ? scene.queue.get(mine[0]?.id ?? "") : undefined;
      // Where it would meet the quantity beside it, it is left to the table of orders.
      if (ahead === undefined || scene.columns.size < ROOM_FOR_QUEUE) continue;
      this.context.textAlign = side === "bid" ? "left" : "right";
      const edge = side === "bid" ? scene.columns.own + 4 : scene.columns.width - scene.columns.own - 4;
      this.text(ahead, edge, top + height / 2, scene.palette.quiet);
    }
  }
}

function isBest(scene: Scene, row: number, side: "bid" | "ask"): boolean {
  const best = side === "bid" ? scene.book.bestBid : scene.book.bestAsk;
  return best !== null && scene.geometry.rowOf(best, side) === row;
}

/** A quantity in five characters at most. */
function short(quantity: number): string {
  const shares = quantity / 100;
  if (shares >= 1e6) return `${Math.floor(shares / 1e5) / 10}M`;
  if (shares >= 1e4) return `${Math.floor(shares / 1e3)}k`;
  return formatQuantity(quantity);
}
