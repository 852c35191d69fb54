// Where each price stands on the ladder: a fixed row a step, the highest price on top.
//
//   row 0    0.99   (1 - step)
//   row 98   0.01   (step)
//
// Laws: pure, whole numbers; a price that lies between two steps stands on the row below it for a
// bid and above it for an ask, so that a row never promises a better price than there is.

import { PRICE_SCALE } from "@/units/money";

export class Geometry {
  readonly rows: number;

  /** `step` divides the scale; `rowHeight` is in CSS pixels. */
  constructor(
    readonly step: number,
    readonly rowHeight: number,
  ) {
    this.rows = PRICE_SCALE / step - 1;
  }

  get height(): number {
    return this.rows * this.rowHeight;
  }

  /** The price of a row, null outside. */
  priceOf(row: number): number | null {
    return row >= 0 && row < this.rows ? PRICE_SCALE - (row + 1) * this.step : null;
  }

  /** The row on which a level of a side stands, null if none does. */
  rowOf(price: number, side: "bid" | "ask"): number | null {
    const steps = side === "bid" ? Math.floor(price / this.step) : Math.ceil(price / this.step);
    const row = PRICE_SCALE / this.step - steps - 1;
    return row >= 0 && row < this.rows ? row : null;
  }

  /** The row at a height within the whole ladder. */
  rowAt(y: number): number | null {
    const row = Math.floor(y / this.rowHeight);
    return row >= 0 && row < this.rows ? row : null;
  }

  /** The first row seen and the one behind the last, when scrolled so far. */
  visible(scrollTop: number, viewHeight: number): readonly [number, number] {
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight));
    return [first, Math.min(this.rows, Math.ceil((scrollTop + viewHeight) / this.rowHeight))];
  }

  /** How far to scroll so that a price stands in the middle. */
  centred(price: number, viewHeight: number): number {
    const row = this.rowOf(price, "bid") ?? this.rows - 1;
    const top = row * this.rowHeight + this.rowHeight / 2 - viewHeight / 2;
    return Math.max(0, Math.min(top, this.height - viewHeight));
  }

  /** How far to scroll so that a row is seen, from where one is. */
  revealed(row: number, scrollTop: number, viewHeight: number): number {
    const top = row * this.rowHeight;
    if (top < scrollTop) return top;
    return Math.max(scrollTop, top + this.rowHeight - viewHeight);
  }
}
