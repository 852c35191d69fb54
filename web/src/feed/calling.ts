// Being rid of what may have been placed before everything was cancelled, though its answer is lost.
//
// Laws: that nothing is found under its id proves nothing, for it may still be on its way. So the id is used up
// by what the engine is sure to refuse (the same in an order group that nobody has): either that is refused, and
// nothing will ever be placed under the id, or the id was used before, and what it placed is cancelled. Tried
// again for half a minute while nobody answers, and for nobody but whose it is; then it is said.

import { type ApiError, asApiError, isUnknown } from "@/api/errors";
import { user } from "@/session/session";
import { notify } from "@/shell/notices";
import { t } from "@/shell/texts";

export interface Lost {
  /** Cancel what is open of it; `isTaken` says that its id is known to have been used. Throws ApiError. */
  readonly cancel: (isTaken: boolean) => Promise<unknown>;
  /** Send the same in a group that nobody has. Throws ApiError. */
  readonly useUp: () => Promise<unknown>;
}

const PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
/** What is said before the engine was asked: it has used no id up. */
const UNASKED = new Set(["RATE_LIMITED", "UNAVAILABLE", "READS_ONLY", "UNAUTHORIZED"]);

/** What a call was refused with; null if it wasn't. */
async function refusalOf(call: Promise<unknown>): Promise<ApiError | null> {
  return call.then(() => null, asApiError);
}

const isUnanswered = (error: ApiError) => isUnknown(error) || UNASKED.has(error.code);

/** Try once; returns whether it is certain that nothing of it is open or will be. */
async function isOver(lost: Lost): Promise<boolean> {
  const first = await refusalOf(lost.cancel(false));
  if (first === null || isUnanswered(first)) return first === null;
  const second = await refusalOf(lost.useUp());
  if (second?.code !== "CONFLICT") return second === null || !isUnanswered(second);
  const third = await refusalOf(lost.cancel(true));
  return third === null || !isUnanswered(third);
}

/** Be rid of it; resolves after the first try, and goes on by itself if nobody answered that. */
export async function callOff(lost: Lost): Promise<void> {
  const whose = user.peek()?.id;
  if (!(await isOver(lost))) void goOn(lost, () => user.peek()?.id === whose);
}

async function goOn(lost: Lost, isTheirs: () => boolean): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (!isTheirs() || (await isOver(lost))) return;
  }
  if (isTheirs()) notify("bad", t("mayBePlaced"));
}
