// What a page reads: once, again when it is told to, and every so often while it is looked at.
//
// Laws: an answer that comes after the question has changed is dropped; what was shown stays while it
// is read anew; a list grows by pages and never beyond `ROWS_MOST`.

import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, asApiError } from "@/api/errors";

export interface Loaded<T> {
  readonly data: T | null;
  readonly error: ApiError | null;
  /** Nothing has come yet. */
  readonly isFirst: boolean;
  readonly reload: () => void;
}

export interface Listed<T> {
  readonly rows: readonly T[];
  readonly error: ApiError | null;
  readonly isFirst: boolean;
  readonly isBusy: boolean;
  readonly hasMore: boolean;
  readonly more: () => void;
  readonly reload: () => void;
}

export interface PageOf<T> {
  readonly data: readonly T[];
  readonly nextCursor: string | null;
}

/** A list holds no more rows than this; whoever needs more takes the export. */
export const ROWS_MOST = 2_000;

/** Read something; anew when one of `keys` changes and, with `everyMs`, while the page is seen. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[], everyMs = 0): Loaded<T> {
  const [state, setState] = useState<{ data: T | null; error: ApiError | null }>({ data: null, error: null });
  const [turn, setTurn] = useState(0);
  const asked = useRef<readonly unknown[] | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const isOther = asked.current?.some((key, index) => key !== keys[index]) ?? false;
    asked.current = keys;
    if (isOther) setState({ data: null, error: null });
    void load(stop.signal).then(
      (data) => {
        if (!stop.signal.aborted) setState({ data, error: null });
      },
      (thrown: unknown) => {
        if (!stop.signal.aborted) setState((before) => ({ data: before.data, error: asApiError(thrown) }));
      },
    );
    return () => stop.abort();
  }, [...keys, turn]);
  useEvery(everyMs, () => setTurn((now) => now + 1));
  return {
    data: state.data,
    error: state.error,
    isFirst: state.data === null && state.error === null,
    reload: () => setTurn((now) => now + 1),
  };
}

/**
 * Read a list by pages; anew from the beginning when one of `keys` changes and, with `everyMs`, while the page is seen
 * and no more than the first part of the list.
 */
export function useListed<T>(load: (cursor: string | undefined, signal: AbortSignal) => Promise<PageOf<T>>, keys: readonly unknown[], everyMs = 0): Listed<T> {
  const [state, setState] = useState<ListState<T>>(nothing);
  const [turn, setTurn] = useState(0);
  const stop = useRef<AbortController | null>(null);
  const isGrown = useRef(false);
  const read = (before: readonly T[], cursor: string | undefined) => {
    stop.current?.abort();
    const control = new AbortController();
    stop.current = control;
    isGrown.current = cursor !== undefined;
    setState((now) => ({ ...now, isBusy: true }));
    void load(cursor, control.signal).then(
      (page) => {
        if (control.signal.aborted) return;
        const rows = [...before, ...page.data].slice(0, ROWS_MOST);
        setState({ rows, next: rows.length >= ROWS_MOST ? null : page.nextCursor, error: null, isFirst: false, isBusy: false });
      },
      (thrown: unknown) => {
        if (!control.signal.aborted) setState((now) => ({ ...now, error: asApiError(thrown), isFirst: false, isBusy: false }));
      },
    );
  };
  useEffect(() => {
    read([], undefined);
    return () => stop.current?.abort();
  }, [...keys, turn]);
  useEvery(everyMs, () => {
    if (!isGrown.current) setTurn((now) => now + 1);
  });
  return {
    rows: state.rows,
    error: state.error,
    isFirst: state.isFirst,
    isBusy: state.isBusy,
    hasMore: state.next !== null,
    more: () => {
      if (state.next !== null && !state.isBusy) read(state.rows, state.next);
    },
    reload: () => setTurn((now) => now + 1),
  };
}

interface ListState<T> {
  readonly rows: readonly T[];
  readonly next: string | null;
  readonly error: ApiError | null;
  readonly isFirst: boolean;
  readonly isBusy: boolean;
}

function nothing<T>(): ListState<T> {
  return { rows: [], next: null, error: null, isFirst: true, isBusy: true };
}

/** Read every page of a list, at most `ROWS_MOST` rows, e.g. for a file. */
export async function everyRow<T>(load: (cursor: string | undefined) => Promise<PageOf<T>>): Promise<readonly T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await load(cursor);
    rows.push(...page.data);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && rows.length < ROWS_MOST);
  return rows.slice(0, ROWS_MOST);
}

function useEvery(everyMs: number, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (everyMs === 0) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) latest.current();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}
