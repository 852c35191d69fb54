// What the exchange tells of something of one's own, by a topic: each message, and that some were missed.
//
// Law: a gap in a topic's numbers, another epoch or a new line means that something was missed: whoever follows
// reads it anew.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Stream } from "./alerts";
import { line } from "./line";
import type { Heard } from "./messages";

const TOPICS = { backtest_updated: "backtests", research_updated: "research" } as const;
type Told = keyof typeof TOPICS;

/** Follow a topic; returns how to stop. */
export function followTopic<E extends Told>(event: E, took: (message: Heard[E]) => void, missed: () => void): () => void {
  const stream = new Stream();
  let isFirstLine = true;
  let hasBeat = false;
  const stops = [
    line.on(event, (message) => {
      if (stream.took(message.topicEpoch, message.topicSeq)) missed();
      took(message);
    }),
    line.on("heartbeat", (message) => {
      // The first one says where the topic stands: what came before it is being read.
      if (stream.beat(message.topicEpoch, message.topics?.[TOPICS[event]]) && hasBeat) missed();
      hasBeat = true;
    }),
    line.onOpen(() => {
      if (!isFirstLine) missed();
      isFirstLine = false;
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Follow a topic as long as a component lives. */
export function useTopic<E extends Told>(event: E, took: (message: Heard[E]) => void, missed: () => void): void {
  const latest = useRef({ took, missed });
  latest.current = { took, missed };
  useEffect(() => followTopic(event, (message) => latest.current.took(message), () => latest.current.missed()), [event]);
}

interface Row {
  readonly id: string;
  readonly endedAt: string | null;
}

/** What was told of rows since they were read; one that nobody has read yet, and `belongs` among them, has them read anew. */
export function useTold<E extends Told>(event: E, rows: readonly Row[], reload: () => void, belongs: (message: Heard[E]) => boolean = () => true): ReadonlyMap<string, Heard[E]> {
  const told = useSignal<ReadonlyMap<string, Heard[E]>>(new Map());
  useTopic(
    event,
    (message) => {
      if (rows.some((row) => row.id === message.id)) told.value = new Map(told.peek()).set(message.id, message);
      else if (belongs(message)) reload();
    },
    reload,
  );
  return told.value;
}

/** What is known of a row: what was told of it, unless it was read that it has ended. */
export function newer<R extends Row>(read: R, told: R | undefined): R {
  return told === undefined || read.endedAt !== null ? read : told;
}
