// What can go wrong with a call, in one shape: the exchange's refusal, or that nobody was reached.

import type { Detail, SecondFactorAsked } from "./schema";

/** A refusal; `code` is that of the API, `OFFLINE` if no answer came, `BROKEN_ANSWER` if it was no JSON. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 0,
    readonly details: readonly Detail[] = [],
    /** Seconds after which to try again, where the exchange says so. */
    readonly retryAfter: number | null = null,
    readonly requestId: string | null = null,
    /** What a sign-in still asks for, with `SECOND_FACTOR_REQUIRED`. */
    readonly secondFactor: SecondFactorAsked | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** What is said of one field of the body, null if nothing is. */
  of(field: string): string | null {
    return this.details.find((detail) => detail.field === field)?.message ?? null;
  }
}

const SERVER_FAILED = 500;
const REFUSED = 400;
/** What is said where nobody knows, or has said, what became of a call. */
const UNKNOWN: ReadonlySet<string> = new Set(["OFFLINE", "UNKNOWN_OUTCOME", "INTERNAL_ERROR"]);

/** Whether it isn't known what became of what was sent: no answer, one that broke off, or a fault on the way to it. */
export function isUnknown(error: ApiError): boolean {
  const isBroken = error.code === "BROKEN_ANSWER" && (error.status < REFUSED || error.status >= SERVER_FAILED);
  return isBroken || UNKNOWN.has(error.code);
}

/** Make an ApiError of whatever was thrown. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError("OFFLINE", thrown instanceof Error ? thrown.message : String(thrown));
}
