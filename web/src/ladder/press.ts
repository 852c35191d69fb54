// What a press on the ladder comes to: an order that is dragged, a click, or nothing.
//
// Laws: pure; it begins and ends on the ladder, by the same pointer. A drag is one only if it ends on another row, a
// click only if it ends where it began; whatever is broken off comes to nothing.

import type { OwnOrder } from "./levels";
import type { Zone } from "./paint";

export type Deed =
  | { readonly kind: "move"; readonly order: OwnOrder; readonly row: number }
  | { readonly kind: "click"; readonly zone: Zone; readonly row: number };

interface Begun {
  readonly pointer: number;
  readonly row: number;
  readonly zone: Zone;
  readonly order: OwnOrder | null;
}

export class Press {
  private begun: Begun | null = null;

  /** The order that is dragged, null for none. */
  get order(): OwnOrder | null {
    return this.begun?.order ?? null;
  }

  begin(pointer: number, row: number, zone: Zone, order: OwnOrder | null): void {
    this.begun = { pointer, row, zone, order };
  }

  /** The pointer was let go; `row` is null beside the rows that are seen. */
  end(pointer: number, row: number | null, zone: Zone): Deed | null {
    const { begun } = this;
    if (begun?.pointer !== pointer) return null;
    this.begun = null;
    if (row === null) return null;
    if (begun.order !== null) return row === begun.row ? null : { kind: "move", order: begun.order, row };
    return row === begun.row && zone === begun.zone ? { kind: "click", zone, row } : null;
  }

  /** The browser took the pointer away, or another press begins. */
  cancel(): void {
    this.begun = null;
  }
}
