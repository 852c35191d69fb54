// A price that somebody types as they like prices: the price stays the one it is when they like them otherwise.

import { useSignal, type Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { priceFormat } from "@/shell/preferences";
import { parsePrice, plainNumber } from "@/units/money";
import { fromTyped, toTyped } from "@/units/prices";

export interface TypedPrice {
  /** What stands in the field. */
  readonly text: Signal<string>;
  /** What it says, as a plain price ("0.55"); what is no price is no price there either. */
  readonly plain: () => string;
}

/** Begin with a plain price, or with nothing. */
export function useTypedPrice(first: string): TypedPrice {
  const form = useRef(priceFormat.peek());
  const text = useSignal(toTyped(form.current, first));
  const plain = () => fromTyped(form.current, plainNumber(text.peek()));
  if (form.current !== priceFormat.value) {
    const price = plain();
    form.current = priceFormat.value;
    if (parsePrice(price) !== null) text.value = toTyped(form.current, price);
  }
  return { text, plain };
}
