// Whether a proof of what the exchange owes holds, and whether one's own balance is in it: the same that
// docs/examples/check_proof.py checks from outside, by the browser's own cryptography.
//
//   leaf   SHA-256(0x00 || salt || account || sums)
//   node   SHA-256(0x01 || left hash || left sums || right hash || right sums); its sums are left + right
//
// Laws: nothing of an answer is believed that isn't signed or leads to what is; amounts are whole numbers,
// none below 0. What can't be checked here, since the browser doesn't know the signature or isn't allowed to
// (without https), is said to be unchecked and never to hold.

import type { OwnProofView, ProofView } from "@/api/schema";

export const STEPS = ["signed", "same", "adds", "own"] as const;
export type Step = (typeof STEPS)[number];
export type Reason = "unreadable" | "noKey" | "forged" | "shown" | "age" | "amounts" | "markets" | "otherProof" | "otherAccount" | "otherRoot" | "otherSums" | "noCrypto";
export interface Verdict {
  readonly step: Step;
  readonly state: "holds" | "wrong" | "unchecked";
  readonly why: Reason | null;
}
/** What the exchange publishes of a key. */
export interface PublicKey {
  readonly kid: string;
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
}
type Statement = Readonly<Record<string, unknown>>;
type Sums = readonly [bigint, bigint, bigint];

const TYPE = "probity-proof+jws";
const VERSION = 1;
const SUMS = ["available", "locked", "collateral"] as const;
const SHOWN = ["seq", "chainHead", "root", "accounts", ...SUMS, "fees", "issued", "markets", "otherMarkets"] as const;
const MOST = 2n ** 63n - 1n;
const DAY_MS = 86_400_000;
/** Clocks may differ by this. */
const CLOCKS_MS = 300_000;

class Wrong extends Error {
  constructor(readonly why: Reason) {
    super(why);
  }
}

/** Check a proof, and one's own place in it if there is one; says of each step how it went, in order. */
export async function checked(proof: ProofView, mine: OwnProofView | null, keys: readonly PublicKey[], account: string | null, now: number): Promise<readonly Verdict[]> {
  const found: Verdict[] = [];
  let said: Statement = {};
  const works: Record<Step, () => Promise<void> | void> = {
    signed: async () => {
      said = await statementOf(proof.jws, keys);
    },
    same: () => same(proof, said, now),
    adds: () => addsUp(said),
    own: () => (mine === null ? undefined : leads(mine, said, account)),
  };
  for (const step of STEPS) {
    if (step === "own" && mine === null) break;
    // What isn't known to be signed proves nothing.
    if (found.length > 0 && found[0]?.state !== "holds") {
      found.push({ step, state: "unchecked", why: null });
      continue;
    }
    try {
      await works[step]();
      found.push({ step, state: "holds", why: null });
    } catch (thrown) {
      const why = thrown instanceof Wrong ? thrown.why : "unreadable";
      found.push({ step, state: why === "noCrypto" ? "unchecked" : "wrong", why });
    }
  }
  return found;
}

/** What is signed, once a key of the exchange has signed it. */
async function statementOf(jws: string, keys: readonly PublicKey[]): Promise<Statement> {
  const [head = "", body = "", signature = "", ...rest] = jws.split(".");
  const header = parsed(head);
  if (rest.length > 0 || header["alg"] !== "EdDSA" || header["typ"] !== TYPE) throw new Wrong("unreadable");
  const key = keys.find((one) => one.kid === header["kid"] && one.kty === "OKP" && one.crv === "Ed25519");
  if (key === undefined) throw new Wrong("noKey");
  const { kty, crv, x } = key;
  let isSigned: boolean;
  try {
    const known = await subtle().importKey("jwk", { kty, crv, x }, { name: "Ed25519" }, false, ["verify"]);
    isSigned = await subtle().verify({ name: "Ed25519" }, known, unbase64(signature), new TextEncoder().encode(`${head}.${body}`));
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "NotSupportedError") throw new Wrong("noCrypto");
    throw thrown;
  }
  if (!isSigned) throw new Wrong("forged");
  const said = parsed(body);
  if (said["version"] !== VERSION) throw new Wrong("unreadable");
  return said;
}

/** Throw unless what is shown is what is signed, and of the last day. */
function same(proof: ProofView, said: Statement, now: number): void {
  const madeMs = Math.floor(Number(said["madeAt"]) / 1_000);
  const isShown = SHOWN.every((name) => sorted(proof[name]) === sorted(said[name]));
  if (!isShown || proof.id !== said["proofId"] || proof.madeAt !== new Date(madeMs).toISOString()) throw new Wrong("shown");
  if (now - madeMs > DAY_MS || madeMs - now > CLOCKS_MS) throw new Wrong("age");
}

/** Throw unless all that anybody has is all that was issued, and the markets' collateral that of all. */
function addsUp(said: Statement): void {
  const all = [...SUMS, "fees"].map((name) => units(said[name])).reduce((one, other) => one + other, 0n);
  if (all !== units(said["issued"])) throw new Wrong("amounts");
  const markets = said["markets"] as readonly { readonly marketId: string; readonly collateral: string }[];
  const others = said["otherMarkets"] as { readonly collateral: string };
  const lies = [...markets, others].map((one) => units(one.collateral)).reduce((one, other) => one + other, 0n);
  if (lies !== units(said["collateral"]) || new Set(markets.map((one) => one.marketId)).size !== markets.length) throw new Wrong("markets");
}

/** Throw unless one's own leaf leads to the root that is signed, with its sums. */
async function leads(mine: OwnProofView, said: Statement, account: string | null): Promise<void> {
  if (mine.proofId !== said["proofId"]) throw new Wrong("otherProof");
  // Two with the same balance could be shown one leaf.
  if (mine.accountId !== account) throw new Wrong("otherAccount");
  const levels = mine.path.length;
  if (levels !== said["levels"] || !Number.isInteger(mine.place) || mine.place < 0 || mine.place >= 2 ** levels) throw new Wrong("otherRoot");
  let sums = sumsOf(mine);
  let here = await hashed([0], unhex(mine.salt), bytes(BigInt(mine.accountId)), ...sums.map(bytes));
  let place = mine.place;
  for (const node of mine.path) {
    const others = sumsOf(node);
    const pair = [[here, sums], [unhex(node.hash), others]] as const;
    const [left, right] = place % 2 === 1 ? [pair[1], pair[0]] : pair;
    here = await hashed([1], left[0], ...left[1].map(bytes), right[0], ...right[1].map(bytes));
    sums = [sums[0] + others[0], sums[1] + others[1], sums[2] + others[2]];
    if (sums.some((sum) => sum > MOST)) throw new Wrong("amounts");
    place = Math.floor(place / 2);
  }
  if (hex(here) !== said["root"]) throw new Wrong("otherRoot");
  if (SUMS.some((name, at) => sums[at] !== units(said[name]))) throw new Wrong("otherSums");
}

function sumsOf(of: Readonly<Record<(typeof SUMS)[number], string>>): Sums {
  return [units(of.available), units(of.locked), units(of.collateral)];
}

/** An amount in 1/1 000 000 credit; nothing below 0 is one. */
function units(amount: unknown): bigint {
  if (typeof amount !== "string" || !/^[0-9]{1,13}\.[0-9]{6}$/.test(amount)) throw new Wrong("amounts");
  return BigInt(amount.replace(".", ""));
}

function subtle(): SubtleCrypto {
  // Browsers have none on a page that came without https.
  const found = (globalThis.crypto as Crypto | undefined)?.subtle;
  if (found === undefined) throw new Wrong("noCrypto");
  return found;
}

async function hashed(kind: readonly [number], ...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const text = new Uint8Array(1 + parts.reduce((length, part) => length + part.length, 0));
  text.set(kind);
  let at = 1;
  for (const part of parts) {
    text.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await subtle().digest("SHA-256", text));
}

/** A number as it is hashed: 8 bytes, the highest first. */
function bytes(value: bigint): Uint8Array {
  const made = new Uint8Array(8);
  new DataView(made.buffer).setBigUint64(0, value);
  return made;
}

function unhex(text: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Wrong("unreadable");
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function hex(of: Uint8Array): string {
  return [...of].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unbase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
}

function parsed(part: string): Statement {
  const found: unknown = JSON.parse(new TextDecoder().decode(unbase64(part)));
  if (typeof found !== "object" || found === null) throw new Wrong("unreadable");
  return found as Statement;
}

/** The same text for the same value, whatever the order of an object's fields. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === "object" && one !== null && !Array.isArray(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one));
}
