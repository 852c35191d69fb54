// Who is signed in here. The access token lives in memory alone; the refresh token in a cookie that
// no script reads and that counts with `X-Requested-With` only.
//
// Laws: one renewal at a time, over all tabs of the browser too, since a refresh token is used once.
// A tab that signs out takes the others with it. Only the exchange's refusal ends a session: while it
// doesn't answer, renewing goes on.

import { computed, signal } from "@preact/signals";
import type { ApiError} from "@/api/errors";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { SignedInView, UserView } from "@/api/schema";
import { kept, keep } from "@/shell/preferences";

/** `unknown` until the exchange has said whether a session of before goes on. */
export type Standing = "unknown" | "out" | "in";

const RENEW_LOCK = "probity-renewal";
const CHANNEL = "probity-session";
/** A token is renewed when this share of its life is over. */
const RENEW_AT = 0.8;
const OFFLINE_RETRY_MS = 5_000;

const standingSignal = signal<Standing>("unknown");
const userSignal = signal<UserView | null>(null);
const tokenSignal = signal<string | null>(null);

export const standing = computed(() => standingSignal.value);
export const user = computed(() => userSignal.value);
/** The access token of the moment; a new one wakes whoever uses it (the socket). */
export const token = computed(() => tokenSignal.value);
export const isSignedIn = computed(() => standingSignal.value === "in");
export const isAdmin = computed(() => userSignal.value?.role === "ADMIN" || userSignal.value?.role === "AUDITOR");

let timer: ReturnType<typeof setTimeout> | undefined;
let renewing: Promise<string | null> | null = null;
const others = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);

/** Take what a sign-in answered, whichever way it was. */
export function signedIn(answer: SignedInView): void {
  userSignal.value = answer.user;
  tokenSignal.value = answer.accessToken;
  standingSignal.value = "in";
  schedule(answer.expiresIn * 1_000 * RENEW_AT);
}

/** Forget who was signed in. */
function signedOut(): void {
  clearTimeout(timer);
  userSignal.value = null;
  tokenSignal.value = null;
  standingSignal.value = "out";
}

/** Change what is known of oneself, e.g. after the profile was edited. */
export function knowUser(known: UserView): void {
  userSignal.value = known;
}

/** Sign out, here and in the other tabs. */
export async function signOut(): Promise<void> {
  try {
    await rest.call("post", "/auth/logout");
  } finally {
    signedOut();
    others?.postMessage("out");
  }
}

/** Renew the token by the cookie; returns it, null if the session is over. */
export function renew(): Promise<string | null> {
  renewing ??= locked(renewNow).finally(() => {
    renewing = null;
  });
  return renewing;
}

async function renewNow(): Promise<string | null> {
  try {
    const answer = await rest.call("post", "/auth/refresh", { anonymous: true });
    signedIn(answer.data);
    return answer.data.accessToken;
  } catch (thrown) {
    const error = asApiError(thrown);
    if (isTheEnd(error)) signedOut();
    else schedule(error.retryAfter === null ? OFFLINE_RETRY_MS : error.retryAfter * 1_000);
    return null;
  }
}

/** Whether the session is over, rather than the exchange away for a moment. */
function isTheEnd(error: ApiError): boolean {
  return error.status === 401 || error.status === 403;
}

function schedule(pauseMs: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void renew(), pauseMs);
}

async function locked<T>(work: () => Promise<T>): Promise<T> {
  // Only secure contexts have locks; elsewhere the exchange's grace for a token used twice does.
  const locks = (navigator as { locks?: LockManager }).locks;
  if (locks === undefined) return work();
  return (await locks.request(RENEW_LOCK, work));
}

/** Ask whether a session of before goes on; it stays `unknown`, and asked for, if no answer comes. */
export async function restore(): Promise<void> {
  rest.useTokens({ current: () => tokenSignal.peek(), owner: () => userSignal.peek()?.id ?? null, renew });
  others?.addEventListener("message", (event: MessageEvent) => {
    if (event.data === "out") signedOut();
  });
  // Whoever never signed in here is spared a refused call.
  if (kept(MARK) !== null) await renew();
  else signedOut();
}

const MARK = "session";

standingSignal.subscribe((now) => {
  if (now !== "unknown") keep(MARK, now === "in" ? "1" : null);
});
