// The tape as it was at a sequence of the past: what is kept of the live one if that reaches so far
// back, else what the exchange has of it.

import { rest } from "@/api/rest";
import { printOf, type Print } from "@/book/tape";

const PAGE = 200;

/** Whether `most` trades up to a sequence, or all that there were, are among those that are kept. */
export function reachesBack(kept: readonly Print[], seq: number, most: number): boolean {
  return kept.at(-1)?.tradeNo === 1 || kept.filter((print) => print.seq <= seq).length >= most;
}

/** Read a market's latest trades up to a sequence, newest first. */
export async function tapeUpTo(market: string, seq: number, signal: AbortSignal): Promise<readonly Print[]> {
  const read = (query: { limit: number; afterSeq?: number; cursor?: string | undefined }) => rest.call("get", "/markets/{slug}/trades", { path: { slug: market }, query, signal });
  const later = (await read({ afterSeq: seq, limit: 1 })).data[0];
  // A page's cursor towards older trades is the number of the one that they are older than.
  const { data } = await read({ limit: PAGE, cursor: later === undefined ? undefined : String(later.tradeNo) });
  return data.map(printOf).filter((print) => print.seq <= seq);
}
