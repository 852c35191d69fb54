// One's open bets on the question that is shown, each with what it is worth now and the way out.

import { useEffect, useMemo } from "preact/hooks";
import type { BetView } from "@/api/schema";
import { Panel } from "@/parts/DataTable";
import { cashOf, formatCash, formatGain, quantityOf } from "@/units/money";
import type { FormProps } from "./BetForm";
import { sideOf, worthOf } from "./odds";
import { OwnBets } from "./ownBets";
import { costOfPart, sellBet } from "./SellBet";
import { t } from "./texts";

export function OwnHere({ desk, labels }: FormProps) {
  // Bets on another venue's question are in its mirror: here it is only looked whether a lost one is among all of them.
  const { id } = desk.market.peek();
  const isElsewhere = id.includes(":");
  const own = useMemo(() => new OwnBets({ statuses: ["OPEN"], market: isElsewhere ? null : id }), []);
  useEffect(() => () => own.close(), []);
  const placed = desk.placed.value;
  useEffect(() => {
    // What is told of it soon is on top of it.
    if (placed !== null) own.take(placed);
  }, [placed]);
  const { rows } = own.list;
  const isLost = desk.attempts.open !== null && !desk.isSending.value;
  useEffect(() => {
    if (isLost) desk.recognise(rows);
  }, [isLost, rows]);
  if (rows.length === 0 || isElsewhere) return null;
  const sell = async (bet: BetView) => {
    await sellBet(bet, labels[sideOf(bet)]);
    own.reload();
  };
  return (
    <Panel title={t("here")} isPlain>
      <ul class="own">
        {rows.map((bet) => {
          const side = sideOf(bet);
          const shares = quantityOf(bet.openShares);
          const worth = worthOf(desk.odds.value, side, shares);
          const gain = worth === null ? null : worth - costOfPart(bet, shares);
          return (
            <li key={bet.id} data-bet={bet.id}>
              <span class={`dot ${side === "THIS" ? "this" : "that"}`} aria-hidden="true" />
              <div class="what">
                <strong>{t("stakeOn", { stake: formatCash(costOfPart(bet, shares)), side: labels[side] })}</strong>
                <small class="quiet">{t("paysCash", { cash: formatCash(cashOf(bet.potentialPayout)) })}</small>
              </div>
              <div class="worth">
                <strong>{worth === null ? "–" : formatCash(worth)}</strong>
                <small class={gain === null ? "quiet" : gain > 0n ? "up" : gain < 0n ? "down" : "quiet"}>{gain === null ? t("notOffered") : formatGain(gain)}</small>
              </div>
              <button type="button" class="button" aria-label={`${t("sell")}: ${formatCash(costOfPart(bet, shares))} ${labels[side]}`} onClick={() => void sell(bet)}>{t("sell")}</button>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
