// How much can be had up to each price: both sides summed from the best price on.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { BookSource } from "@/book/source";
import { oncePerFrame } from "@/feed/frames";
import { palette, shownTheme } from "@/shell/preferences";
import { PRICE_SCALE, formatQuantity } from "@/units/money";
import { shownPrice } from "@/units/prices";
import "./charts.css";
import { cumulated, spanOf, type Step } from "./depth";
import { t } from "./texts";

const LEVELS = 200;
const WORDS_MS = 2_000;

export function DepthChart({ feed, tick }: { feed: BookSource; tick: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const words = useSignal("");
  const pointed = useSignal<{ price: number; quantity: number; isBid: boolean } | null>(null);
  useEffect(() => {
    const element = canvas.current;
    const place = element?.parentElement;
    if (element === null || place === null || place === undefined) return undefined;
    const paint = oncePerFrame(() => draw(element, place, feed, tick));
    const speak = () => {
      const bids = cumulated(feed.book.levels("bids", LEVELS));
      const asks = cumulated(feed.book.levels("asks", LEVELS));
      const price = (found: number | null) => (found === null ? "–" : shownPrice(found, tick));
      const sum = (steps: readonly Step[]) => formatQuantity(steps.at(-1)?.sum ?? 0);
      words.value = t("depthWords", { bids: sum(bids), bid: price(feed.book.bestBid), asks: sum(asks), ask: price(feed.book.bestAsk) });
    };
    const sized = new ResizeObserver(paint);
    sized.observe(place);
    const stop = feed.onBook(paint);
    const timer = setInterval(speak, WORDS_MS);
    speak();
    return () => {
      sized.disconnect();
      stop();
      paint.stop();
      clearInterval(timer);
    };
  }, [feed, tick, shownTheme.value, palette.value]);
  const onMove = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const [low, high] = spanOf(feed.book.bestBid, feed.book.bestAsk);
    const price = Math.floor(low + ((event.clientX - box.left) / box.width) * (high - low));
    const isBid = feed.book.bestBid !== null && price <= feed.book.bestBid;
    const steps = cumulated(feed.book.levels(isBid ? "bids" : "asks", LEVELS));
    const within = steps.filter((step) => (isBid ? step.price >= price : step.price <= price));
    pointed.value = { price, quantity: within.at(-1)?.sum ?? 0, isBid };
  };
  return (
    <section class="panel chart depth-chart" aria-label={t("depth")}>
      <header>
        <h2>{t("depth")}</h2>
        {pointed.value !== null && <small class={pointed.value.isBid ? "up" : "down"}>{formatQuantity(pointed.value.quantity)} @ {shownPrice(pointed.value.price - (pointed.value.price % tick), tick)}</small>}
      </header>
      <div class="canvas" onPointerMove={onMove} onPointerLeave={() => (pointed.value = null)}><canvas ref={canvas} role="img" aria-label={words.value} /></div>
    </section>
  );
}

function draw(canvas: HTMLCanvasElement, place: HTMLElement, feed: BookSource, tick: number): void {
  const width = place.clientWidth;
  const height = place.clientHeight;
  const ratio = Math.max(1, devicePixelRatio);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  if (context === null) return;
  const style = getComputedStyle(place);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const [low, high] = spanOf(feed.book.bestBid, feed.book.bestAsk);
  const bids = cumulated(feed.book.levels("bids", LEVELS).filter(([price]) => price >= low));
  const asks = cumulated(feed.book.levels("asks", LEVELS).filter(([price]) => price <= high));
  const most = Math.max(1, bids.at(-1)?.sum ?? 0, asks.at(-1)?.sum ?? 0) * 1.1;
  const foot = height - 18;
  const x = (price: number) => ((price - low) / (high - low)) * width;
  const y = (sum: number) => foot - (sum / most) * (foot - 4);
  for (const [steps, name, edge] of [[bids, "up", low], [asks, "down", high]] as const) {
    const first = steps[0];
    if (first === undefined) continue;
    context.beginPath();
    context.moveTo(x(first.price), foot);
    let before = 0;
    for (const step of steps) {
      context.lineTo(x(step.price), y(before));
      context.lineTo(x(step.price), y(step.sum));
      before = step.sum;
    }
    context.lineTo(x(edge), y(before));
    context.strokeStyle = colour(name);
    context.lineWidth = 1.5;
    context.stroke();
    context.lineTo(x(edge), foot);
    context.closePath();
    context.globalAlpha = 0.13;
    context.fillStyle = colour(name);
    context.fill();
    context.globalAlpha = 1;
  }
  context.fillStyle = colour("quiet");
  context.font = `11px ${style.fontFamily}`;
  context.textBaseline = "bottom";
  for (const [price, align] of [[low, "left"], [feed.book.middle, "center"], [high, "right"]] as const) {
    if (price === null) continue;
    context.textAlign = align;
    const at = align === "left" ? 4 : align === "right" ? width - 4 : x(price);
    context.fillText(shownPrice(Math.min(price, PRICE_SCALE), Math.min(tick, 100)), at, height - 3);
  }
}
