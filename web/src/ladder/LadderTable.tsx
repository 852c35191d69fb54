// The ladder's twin for those who don't look at a canvas: the same levels as a table with buttons.

import { watch } from "@/shell/watch";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { PRICE_SCALE, formatQuantity } from "@/units/money";
import { shownPrice } from "@/units/prices";
import type { LadderProps } from "./Ladder";
import { t } from "./texts";

const SHOWN = 20;
const EVERY_MS = 500;

export function LadderTable({ feed, tick, orders, onPick, onPlace, isArmed, isLive, holdMs }: LadderProps) {
  const version = useSignal(0);
  // A table that is read aloud or walked by keys must not change faster than that.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = feed.onBook(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        version.value += 1;
      }, EVERY_MS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [feed]);
  watch(version);
  const asks = feed.book.levels("asks", SHOWN).reverse();
  const bids = feed.book.levels("bids", SHOWN);
  const pressedAt = useRef(Infinity);
  const press = (event: Event) => {
    // A key that is held clicks again and again, and is meant once.
    if (event instanceof KeyboardEvent && event.repeat) event.preventDefault();
    else pressedAt.current = event.timeStamp;
  };
  const act = (event: Event, price: number, outcome: "YES" | "NO") => {
    const isHeld = holdMs === 0 || event.timeStamp - pressedAt.current >= holdMs;
    pressedAt.current = Infinity;
    (isArmed.value && isLive.value && isHeld ? onPlace : onPick)(price, outcome);
  };
  const row = (price: number, quantity: number, side: "bid" | "ask") => {
    const mine = orders.value.filter((order) => order.price === price && order.side === side).reduce((sum, order) => sum + order.remaining, 0);
    const yes = shownPrice(price, tick);
    const no = shownPrice(PRICE_SCALE - price, tick);
    return (
      <tr key={`${side} ${price}`}>
        <td class="num up">{side === "bid" ? formatQuantity(quantity) : ""}</td>
        <td class="num"><button class="button bare small" aria-label={`${t("buyYes")} ${yes}`} onPointerDown={press} onKeyDown={press} onClick={(event) => act(event, price, "YES")}>{yes}</button></td>
        <td class="num"><button class="button bare small" aria-label={`${t("buyNo")} ${no}`} onPointerDown={press} onKeyDown={press} onClick={(event) => act(event, price, "NO")}>{no}</button></td>
        <td class="num down">{side === "ask" ? formatQuantity(quantity) : ""}</td>
        <td class="num">{mine > 0 ? formatQuantity(mine) : ""}</td>
      </tr>
    );
  };
  return (
    <div class="scroll twin" tabIndex={0}>
      <table class="table">
        <thead><tr><th class="num">{t("bids")}</th><th class="num">{t("price")}</th><th class="num">{t("noPrice")}</th><th class="num">{t("asks")}</th><th class="num">{t("mine")}</th></tr></thead>
        <tbody>
          {asks.map(([price, quantity]) => row(price, quantity, "ask"))}
          {bids.map(([price, quantity]) => row(price, quantity, "bid"))}
        </tbody>
      </table>
      {asks.length + bids.length === 0 && <p class="empty">{t("empty")}</p>}
    </div>
  );
}
