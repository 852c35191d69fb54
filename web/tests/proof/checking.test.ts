import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import type { OwnProofView, ProofNodeView, ProofView } from "@/api/schema";
import { checked, type PublicKey, type Verdict } from "@/proof/checking";

// Two accounts with the same balance and empty leaves below a root, by node's own hashes.
const NOW = Date.UTC(2030, 2, 17, 12);
const NAMES = ["available", "locked", "collateral"] as const;
interface Node {
  readonly hash: Buffer;
  readonly sums: readonly bigint[];
}
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const KEYS: readonly PublicKey[] = [{ kid: "one", kty: "OKP", crv: "Ed25519", x: publicKey.export({ format: "jwk" }).x ?? "" }];
const SALTS = { "7": Buffer.alloc(32, 0x61), "8": Buffer.alloc(32, 0x62) };

function numbers(values: readonly bigint[]): Buffer {
  const made = Buffer.alloc(8 * values.length);
  values.forEach((value, at) => made.writeBigUInt64BE(value, 8 * at));
  return made;
}
function hashOf(...parts: readonly (Buffer | number[])[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part as Buffer)))).digest();
}
function leaf(account: "7" | "8"): Node {
  const sums = [30_000_000n, 0n, 10_000_000n];
  return { hash: hashOf([0], SALTS[account], numbers([BigInt(account), ...sums])), sums };
}
function joined(left: Node, right: Node): Node {
  const hash = hashOf([1], left.hash, numbers(left.sums), right.hash, numbers(right.sums));
  return { hash, sums: left.sums.map((sum, at) => sum + (right.sums[at] ?? 0n)) };
}
function text(amount: bigint): string {
  const digits = amount.toString().padStart(7, "0");
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
function amounts(node: Node) {
  return { available: text(node.sums[0] ?? 0n), locked: text(node.sums[1] ?? 0n), collateral: text(node.sums[2] ?? 0n) };
}
const LEVELS: Node[][] = [[leaf("7"), leaf("8"), ...Array.from({ length: 14 }, () => ({ hash: hashOf([2]), sums: [0n, 0n, 0n] }))]];
for (let level = LEVELS[0] ?? []; level.length > 1; LEVELS.push(level)) level = level.flatMap((node, at) => (at % 2 === 0 ? [joined(node, sure(level[at + 1]))] : []));

/** What is there for certain. */
function sure<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("nothing is there");
  return value;
}

function ownOf(account: "7" | "8"): OwnProofView {
  const place = account === "7" ? 0 : 1;
  const path = LEVELS.slice(0, -1).map((level, height): ProofNodeView => {
    const node = sure(level[(place >> height) ^ 1]);
    return { hash: node.hash.toString("hex"), ...amounts(node) };
  });
  return { proofId: "3", accountId: account, salt: SALTS[account].toString("hex"), ...amounts(leaf(account)), place, path };
}

const ROOT = sure(LEVELS.at(-1)?.[0]);
const SAID = {
  version: 1, proofId: "3", databaseId: "an-exchange", madeAt: NOW * 1_000 + 123, seq: 40, chainHead: "ab".repeat(32), accounts: 2, levels: 4,
  root: ROOT.hash.toString("hex"), ...amounts(ROOT), fees: "1.000000", issued: "81.000000",
  markets: [{ marketId: "1", collateral: "12.000000" }, { marketId: "2", collateral: "5.000000" }], otherMarkets: { count: 1, collateral: "3.000000" },
};

function proofOf(changes: object = {}, header: object = {}): ProofView {
  const said = { ...SAID, ...changes };
  const [head, body] = [{ alg: "EdDSA", typ: "probity-proof+jws", kid: "one", ...header }, said].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signature = sign(null, Buffer.from(`${head}.${body}`), privateKey).toString("base64url");
  return { ...said, id: said.proofId, madeAt: new Date(Math.floor(said.madeAt / 1_000)).toISOString(), jws: `${head}.${body}.${signature}` };
}
function told(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ step, state, why }) => `${step} ${state}${why === null ? "" : ` ${why}`}`).join(", ");
}
const FINE = "signed holds, same holds, adds holds";
const look = async (proof: ProofView, mine: OwnProofView | null = null, account: string | null = null, keys = KEYS, now = NOW) => told(await checked(proof, mine, keys, account, now));

afterEach(() => vi.unstubAllGlobals());

test("a proof holds, and each account is in it", async () => {
  expect(await look(proofOf())).toBe(FINE);
  expect(await look(proofOf(), ownOf("7"), "7")).toBe(`${FINE}, own holds`);
  expect(await look(proofOf(), ownOf("8"), "8")).toBe(`${FINE}, own holds`);
});

test("what nobody of the exchange has signed proves nothing", async () => {
  const none = "same unchecked, adds unchecked, own unchecked";
  const others: readonly PublicKey[] = [{ ...sure(KEYS[0]), x: generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "" }];
  expect(await look(proofOf(), ownOf("7"), "7", others)).toBe(`signed wrong forged, ${none}`);
  expect(await look(proofOf(), ownOf("7"), "7", [])).toBe(`signed wrong noKey, ${none}`);
  expect(await look(proofOf({}, { typ: "JWT" }), ownOf("7"), "7")).toBe(`signed wrong unreadable, ${none}`);
  expect(await look(proofOf({}, { alg: "none" }), ownOf("7"), "7")).toBe(`signed wrong unreadable, ${none}`);
  expect(await look({ ...proofOf(), jws: "a.b" }, ownOf("7"), "7")).toBe(`signed wrong unreadable, ${none}`);
  expect(await look(proofOf({ version: 2 }), ownOf("7"), "7")).toBe(`signed wrong unreadable, ${none}`);
});

test("what is shown is what is signed, and of the last day", async () => {
  for (const changed of [{ id: "4" }, { madeAt: "2031-01-01T00:00:00.000Z" }, { root: "00".repeat(32) }, { markets: [] }, { otherMarkets: { count: 2, collateral: "3.000000" } }, { issued: "82.000000" }]) {
    expect(await look({ ...proofOf(), ...changed })).toBe("signed holds, same wrong shown, adds holds");
  }
  expect(await look(proofOf(), null, null, KEYS, NOW + 86_500_000)).toBe("signed holds, same wrong age, adds holds");
  expect(await look(proofOf(), null, null, KEYS, NOW - 3_600_000)).toBe("signed holds, same wrong age, adds holds");
});

test("sums that don't add up, or are below zero, are wrong", async () => {
  expect(await look(proofOf({ issued: "80.000000" }))).toBe("signed holds, same holds, adds wrong amounts");
  expect(await look(proofOf({ fees: "-1.000000", issued: "79.000000" }))).toBe("signed holds, same holds, adds wrong amounts");
  expect(await look(proofOf({ markets: [{ marketId: "1", collateral: "18.000000" }] }))).toBe("signed holds, same holds, adds wrong markets");
  const twice = [{ marketId: "1", collateral: "12.000000" }, { marketId: "1", collateral: "5.000000" }];
  expect(await look(proofOf({ markets: twice }))).toBe("signed holds, same holds, adds wrong markets");
});

test("another's leaf, another proof, a changed digit lead elsewhere", async () => {
  const mine = ownOf("7");
  const own = (changes: Partial<OwnProofView>, account = "7") => look(proofOf(), { ...mine, ...changes }, account);
  expect(await own({}, "8")).toBe(`${FINE}, own wrong otherAccount`);
  expect(await own({ accountId: "8" }, "8")).toBe(`${FINE}, own wrong otherRoot`);
  expect(await own({ proofId: "2" })).toBe(`${FINE}, own wrong otherProof`);
  for (const name of NAMES) expect(await own({ [name]: "30.000001" })).toBe(`${FINE}, own wrong otherRoot`);
  for (const place of [1, 16, -1, 0.5]) expect(await own({ place })).toBe(`${FINE}, own wrong otherRoot`);
  expect(await own({ path: mine.path.slice(1) })).toBe(`${FINE}, own wrong otherRoot`);
  expect(await own({ salt: "zz" })).toBe(`${FINE}, own wrong unreadable`);
  for (const [height, node] of mine.path.entries()) {
    const path = (changed: Partial<ProofNodeView>) => mine.path.map((one, at) => (at === height ? { ...one, ...changed } : one));
    for (const name of NAMES) expect(await own({ path: path({ [name]: "0.000001" }) })).toBe(`${FINE}, own wrong otherRoot`);
    expect(await own({ path: path({ hash: node.hash.replace(/.$/, (last) => (last === "0" ? "1" : "0")) }) })).toBe(`${FINE}, own wrong otherRoot`);
    expect(await own({ path: path({ available: "-20.000000" }) })).toBe(`${FINE}, own wrong amounts`);
    expect(await own({ path: path({ available: "9999999999999.999999" }) })).toBe(`${FINE}, own wrong amounts`);
  }
  expect(await look(proofOf({ available: "59.000000", issued: "80.000000" }), mine, "7")).toBe(`${FINE}, own wrong otherSums`);
});

test("a browser that may not or can't check says so", async () => {
  vi.stubGlobal("crypto", {});
  expect(await look(proofOf(), ownOf("7"), "7")).toBe("signed unchecked noCrypto, same unchecked, adds unchecked, own unchecked");
  vi.stubGlobal("crypto", { subtle: { importKey: () => Promise.reject(new DOMException("no", "NotSupportedError")) } });
  expect(await look(proofOf())).toBe("signed unchecked noCrypto, same unchecked, adds unchecked");
});
