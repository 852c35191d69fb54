// A streak as it is drawn: one step a day, up to the day from which a reward grows no more.
//
// Law: the amounts are the exchange's word alone; here is only what a day multiplies by (docs/economy.md).

/** The first day of a streak whose reward is twice the base. */
export const LONGEST = 11;
const BASE_TENTHS = 10;

export interface Step {
  readonly day: number;
  /** "1.20". */
  readonly multiplier: string;
  readonly isDone: boolean;
  /** Whether it is the day that is claimed next. */
  readonly isNext: boolean;
}

/** By what a day in a row multiplies the base: 1 -> "1.00", 11 and later -> "2.00". */
export function multiplierOf(day: number): string {
  const tenths = BASE_TENTHS + Math.min(Math.max(day, 1), LONGEST) - 1;
  return `${Math.floor(tenths / BASE_TENTHS)}.${tenths % BASE_TENTHS}0`;
}

/** The steps to draw when the next reward is that of day `next` of a streak. A longer streak moves along. */
export function stepsOf(next: number): readonly Step[] {
  const first = Math.max(1, next - LONGEST + 1);
  return Array.from({ length: LONGEST }, (_, index) => {
    const day = first + index;
    return { day, multiplier: multiplierOf(day), isDone: day < next, isNext: day === next };
  });
}
