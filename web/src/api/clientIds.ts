// The ids of what must not happen twice: given here, before it goes out, so that it can be asked for again.

const BYTES = 12;

/** An id that nobody else makes: "web-0123456789abcdef01234567". */
export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
