// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ListedMarketView, OrderBody, SignedInView } from "@/api/schema";
import { NOTHING } from "@/attached/legs";
import { language } from "@/shell/language";
import { confirmOrders } from "@/shell/preferences";
import { signedIn } from "@/session/session";
import { guardMode, largestOrder } from "@/ticket/guardrails";
import { EMPTY_DRAFT } from "@/ticket/order";
import { Hold, Ticket, isHeldToSend } from "@/ticket/Ticket";
import { Foreseer, type Foreseen } from "@/ticket/useForecast";

const MARKET = { id: "m1", slug: "m", platform: "exchange", status: "OPEN", tickSize: "0.0100", minQuantity: "1.00" } as ListedMarketView;

beforeEach(() => {
  confirmOrders.value = false;
  vi.useFakeTimers();
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("asking what would come of an order", () => {
  const body = (quantity: string) => ({ side: "BUY", outcome: "YES", type: "LIMIT", quantity }) as OrderBody;
  function started() {
    const answers: ((foreseen: Foreseen) => void)[] = [];
    const told: Foreseen[] = [];
    const ask = vi.fn(() => new Promise<Foreseen>((resolve) => answers.push(resolve)));
    return { foreseer: new Foreseer(ask, (one) => told.push(one)), answers, told, ask };
  }
  const refusal = (code: string) => ({ state: "refused", error: { code } }) as unknown as Foreseen;

  test("a book that moves all the time keeps no answer away, and is asked about again", async () => {
    const { foreseer, answers, told, ask } = started();
    for (let times = 0; times < 10; times += 1) {
      foreseer.want("a", body("1"));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(ask).toHaveBeenCalledTimes(1);
    answers[0]?.(refusal("first"));
    await vi.advanceTimersByTimeAsync(200);
    expect(told).toEqual([{ state: "asking" }, refusal("first")]);
    expect(ask).toHaveBeenCalledTimes(2);
    answers[1]?.(refusal("second"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test("what was foreseen of another order is dropped", async () => {
    const { foreseer, answers, told, ask } = started();
    foreseer.want("a", body("1"));
    await vi.advanceTimersByTimeAsync(200);
    foreseer.want("b", body("2"));
    answers[0]?.(refusal("of a"));
    await vi.advanceTimersByTimeAsync(200);
    expect(told).toEqual([{ state: "asking" }, { state: "asking" }]);
    answers[1]?.(refusal("of b"));
    await vi.advanceTimersByTimeAsync(0);
    expect(told.at(-1)).toEqual(refusal("of b"));
    foreseer.want(null, null);
    expect(told.at(-1)).toEqual({ state: "none" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ask).toHaveBeenCalledTimes(2);
  });
});

test("a hold acts once when it has lasted, and not when it was let go", () => {
  const act = vi.fn();
  const told: boolean[] = [];
  const hold = new Hold(450, (is) => told.push(is));
  hold.begin(act);
  hold.begin(act);
  vi.advanceTimersByTime(449);
  hold.stop();
  vi.advanceTimersByTime(1_000);
  expect(act).not.toHaveBeenCalled();
  hold.begin(act);
  vi.advanceTimersByTime(2_000);
  expect(act).toHaveBeenCalledTimes(1);
  expect(told).toEqual([true, false, true, false]);
});

describe("the ticket", () => {
  const root = document.createElement("div");
  const onSend = vi.fn(() => new Promise<void>(() => undefined));
  const draft = signal(EMPTY_DRAFT);
  const doing = (deed: () => unknown) => void act(() => void deed());
  const found = (selector: string): HTMLElement => {
    const element = root.querySelector<HTMLElement>(selector);
    if (element === null) throw new Error(`nothing is ${selector}`);
    return element;
  };
  const shown = () => {
    signedIn({ user: { id: "u1" }, accessToken: "t", expiresIn: 900 } as SignedInView);
    draft.value = { ...EMPTY_DRAFT, price: "0.50" };
    doing(() => render(<Ticket market={MARKET} draft={draft} attached={signal(NOTHING)} bookVersion={signal(0)} best={() => ({ bid: null, ask: null })} isLive={signal(true)} isPast={false} onSend={onSend} />, root));
    return { form: found("form"), button: found("[data-send]") };
  };
  const press = (at: HTMLElement, repeat: boolean) => {
    const event = new KeyboardEvent("keydown", { key: "Enter", repeat, bubbles: true, cancelable: true });
    at.dispatchEvent(event);
    return event.defaultPrevented;
  };
  const submit = (form: HTMLElement) => form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));

  beforeEach(() => document.body.append(root));
  afterEach(() => {
    doing(() => render(null, root));
    onSend.mockClear();
    guardMode.value = "off";
    isHeldToSend.value = false;
  });

  test("sends once as long as it isn't answered, and a held Enter sends nothing more", () => {
    const { form } = shown();
    const field = found("[name=price]");
    expect([press(field, false), press(field, true)]).toEqual([false, true]);
    submit(form);
    submit(form);
    expect(onSend).toHaveBeenCalledTimes(1);
  });

  test("asks before it sends, of each order anew; the second half of a double click is no answer", () => {
    confirmOrders.value = true;
    const { form } = shown();
    doing(() => submit(form));
    doing(() => submit(form));
    expect(onSend).not.toHaveBeenCalled();
    expect(found("[data-send]").textContent).toBe("Confirm: Buy 10 YES at 0.50");
    vi.advanceTimersByTime(400);
    doing(() => (draft.value = { ...draft.peek(), quantity: "11" }));
    expect(found("[data-send]").textContent).toBe("Buy 11 YES at 0.50");
    doing(() => submit(form));
    vi.advanceTimersByTime(400);
    doing(() => found(".asked button").click());
    doing(() => submit(form));
    expect(onSend).not.toHaveBeenCalled();
    vi.advanceTimersByTime(400);
    doing(() => submit(form));
    expect(onSend).toHaveBeenCalledTimes(1);
  });

  test("a hold counts for the order that was held, and ends with the page", () => {
    isHeldToSend.value = true;
    const { button } = shown();
    doing(() => press(button, true));
    vi.advanceTimersByTime(500);
    expect(onSend).not.toHaveBeenCalled();
    doing(() => press(button, false));
    doing(() => (draft.value = { ...draft.peek(), quantity: "11" }));
    vi.advanceTimersByTime(500);
    expect(onSend).not.toHaveBeenCalled();
    doing(() => press(button, false));
    doing(() => render(null, root));
    vi.advanceTimersByTime(500);
    expect(onSend).not.toHaveBeenCalled();
    const again = shown().button;
    doing(() => press(again, false));
    doing(() => vi.advanceTimersByTime(500));
    expect(onSend).toHaveBeenCalledTimes(1);
  });

  test("guardrails that block let nothing through that hasn't been foreseen", () => {
    guardMode.value = "block";
    largestOrder.value = 1_000;
    const { form } = shown();
    doing(() => submit(form));
    doing(() => submit(form));
    expect(onSend).not.toHaveBeenCalled();
    expect(root.querySelector("[role=alert]")?.textContent).toContain("holds this back");
    doing(() => (draft.value = { ...draft.peek(), side: "SELL" }));
    doing(() => submit(form));
    expect(onSend).toHaveBeenCalledTimes(1);
  });

  test("what it would send is said as a sentence, in German too", () => {
    const { button } = shown();
    expect(button.textContent).toBe("Buy 10 YES at 0.50");
    doing(() => (language.value = "de"));
    expect(button.textContent).toBe("10 YES zu 0.50 kaufen");
    doing(() => (draft.value = { ...draft.peek(), side: "SELL", type: "MARKET", timeInForce: "IOC" }));
    expect(button.textContent).toBe("10 YES jetzt verkaufen");
    doing(() => (language.value = "en"));
  });

  test("guardrails that warn let through what was warned of", () => {
    guardMode.value = "warn";
    largestOrder.value = 1_000;
    const { form } = shown();
    doing(() => submit(form));
    // The second half of a double click hasn't read the warning.
    doing(() => submit(form));
    expect(onSend).not.toHaveBeenCalled();
    expect(root.querySelector("[role=alert]")?.textContent).toContain("Send again");
    vi.advanceTimersByTime(400);
    doing(() => submit(form));
    expect(onSend).toHaveBeenCalledTimes(1);
  });
});
