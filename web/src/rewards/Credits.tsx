// Buying credits, where they are sold: a package, a way to pay, one button; and what one bought.
//
// Laws: who buys names a package, never an amount; a purchase whose answer was lost is asked for again
// under its id, and never bought twice.

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { PackageView, PurchaseBody, PurchaseView } from "@/api/schema";
import { Failed, ListTable, Panel, Waiting } from "@/parts/DataTable";
import { Choice } from "@/parts/Form";
import { useListed, useLoaded } from "@/parts/loading";
import { Attempts } from "@/session/attempts";
import { notify } from "@/shell/notices";
import { Cash } from "@/portfolio/figures";
import { cashOf, formatCash } from "@/units/money";
import { moment } from "@/units/time";
import { t } from "./texts";

type Asked = Omit<PurchaseBody, "requestId">;
type Method = "test-card" | "test-card-declined";

const STATUSES: Readonly<Record<string, "DONE" | "DECLINED" | "REFUSED" | "REFUNDED" | "UNDER_WAY">> = { DONE: "DONE", DECLINED: "DECLINED", REFUSED: "REFUSED", REFUNDED: "REFUNDED", PENDING: "UNDER_WAY" };

export function Credits() {
  const attempts = useMemo(() => new Attempts<Asked>("purchase"), []);
  const sold = useLoaded((signal) => rest.call("get", "/purchases/packages", { signal }), []);
  const bought = useListed((cursor, signal) => rest.call("get", "/purchases/me", { query: { cursor, limit: 50 }, signal }), []);
  if (sold.isFirst) return <Waiting />;
  if (sold.data === null) return <Failed error={sold.error} reload={sold.reload} />;
  const packages = sold.data.data;
  // What has no answer yet is asked for again also where nothing is sold any more.
  const isShown = packages.length > 0 || attempts.open !== null;
  return (
    <div class="stack">
      {isShown ? <Buy packages={packages} attempts={attempts} onBought={bought.reload} /> : <p class="empty">{t("nothingSold")}</p>}
      <Panel title={t("bought_")} isPlain>
        <ListTable
          caption={t("bought_")}
          list={bought}
          empty={t("nothingBought")}
          keyOf={(purchase) => purchase.id}
          columns={[
            { title: t("since"), cell: (purchase) => moment(purchase.createdAt) },
            { title: t("what"), cell: (purchase) => <Cash of={purchase.credits} />, isNumber: true },
            { title: t("price"), cell: (purchase) => priceOf(purchase), isNumber: true },
            { title: t("state"), cell: (purchase) => <span class="badge">{statusOf(purchase)}</span> },
            { title: t("reference"), cell: (purchase) => <code class="mono">{purchase.reference}</code>, isExtra: true },
          ]}
        />
      </Panel>
    </div>
  );
}

function priceOf({ price, currency }: Pick<PackageView, "price" | "currency">): string {
  return `${price}\u202f${currency}`;
}

function statusOf(purchase: PurchaseView): string {
  const known = STATUSES[purchase.status];
  return known === undefined ? purchase.status : t(known);
}

interface BuyProps {
  readonly packages: readonly PackageView[];
  readonly attempts: Attempts<Asked>;
  readonly onBought: () => void;
}

function Buy({ packages, attempts, onBought }: BuyProps) {
  const chosen = useSignal<string | null>(null);
  const method = useSignal<Method>("test-card");
  const problem = useSignal<{ readonly code: string; readonly text: string } | null>(null);
  const isBusy = useSignal(false);
  const open = attempts.open;
  const picked = packages.find((one) => one.id === chosen.value);
  const creditsOf = (id: string) => {
    const found = packages.find((one) => one.id === id);
    return found === undefined ? id : formatCash(cashOf(found.credits));
  };
  const buy = async (body: Asked) => {
    if (isBusy.peek()) return;
    isBusy.value = true;
    problem.value = null;
    try {
      const { data } = await attempts.run(body, (attempt) => rest.call("post", "/purchases", { body: { ...attempt.body, requestId: attempt.id } }));
      notify("good", t("bought", { credits: formatCash(cashOf(data.credits)) }));
      chosen.value = null;
    } catch (thrown) {
      const error = asApiError(thrown);
      const known = error.code === "PAYMENT_DECLINED" || error.code === "MAX_USER_CREDITS" ? t(error.code) : error.message;
      problem.value = { code: error.code, text: known };
      // Nothing of this is left on the page then.
      if (packages.length === 0 && attempts.open === null) notify("bad", known);
    } finally {
      isBusy.value = false;
    }
    onBought();
  };
  if (open !== null && !isBusy.value) {
    return (
      <Panel title={t("buy")}>
        <div class="note stack" role="alert" data-lost>
          <p><strong>{t("lostBuy")}</strong></p>
          <p>{t("lostBuyWhy", { credits: creditsOf(open.body.packageId) })}</p>
          <p class="row">
            <button type="button" class="button primary" onClick={() => void buy(open.body)}>{t("askAgain")}</button>
            <button type="button" class="button" onClick={() => attempts.forget(open)}>{t("leaveIt")}</button>
          </p>
        </div>
      </Panel>
    );
  }
  const submit = (event: Event) => {
    event.preventDefault();
    if (picked !== undefined) void buy({ packageId: picked.id, paymentMethod: method.peek() });
  };
  return (
    <Panel title={t("buy")}>
      <form class="stack" onSubmit={submit}>
        <p class="quiet">{t("buyWhy")}</p>
        <fieldset>
          <legend class="visually-hidden">{t("packages")}</legend>
          <div class="packages">
            {packages.map((one) => (
              <label key={one.id} class="package">
                <input type="radio" name="package" value={one.id} checked={chosen.value === one.id} onChange={() => { chosen.value = one.id; problem.value = null; }} />
                <strong><Cash of={one.credits} /></strong>
                {cashOf(one.bonus) > 0n && <span class="up">{t("plusBonus", { bonus: formatCash(cashOf(one.bonus)) })}</span>}
                <span class="price">{priceOf(one)}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <div class="narrow"><Choice label={t("pay")} name="paymentMethod" value={method} choices={[["test-card", t("card")], ["test-card-declined", t("declined")]]} /></div>
        {problem.value !== null && <p class="problem" role="alert" data-refused={problem.value.code}>{problem.value.text}</p>}
        <button class="button primary big narrow" data-buy disabled={picked === undefined || isBusy.value}>
          {isBusy.value ? `${t(open?.isLost === true ? "asksAgain" : "buying")} …` : picked === undefined ? t("choose") : t("buyFor", { credits: formatCash(cashOf(picked.credits)), price: priceOf(picked) })}
        </button>
      </form>
    </Panel>
  );
}
