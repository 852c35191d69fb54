// Wallets of the browser: MetaMask and its like by `window.ethereum`, Phantom and its like by
// `window.phantom.solana`. The exchange writes the text that is signed; the wallet shows it.

import { rest } from "@/api/rest";
import type { SignedBody } from "@/api/schema";

export type WalletKind = "ethereum" | "solana";

interface Ethereum {
  request(asked: { method: string; params?: readonly unknown[] }): Promise<unknown>;
}
interface Solana {
  connect(): Promise<{ publicKey: { toString(): string } }>;
  signMessage(message: Uint8Array, encoding: "utf8"): Promise<{ signature: Uint8Array }>;
}
interface WithWallets {
  readonly ethereum?: Ethereum;
  readonly solana?: Solana;
  readonly phantom?: { readonly solana?: Solana };
}

function wallets(): WithWallets {
  return window as unknown as WithWallets;
}

function solana(): Solana | undefined {
  return wallets().phantom?.solana ?? wallets().solana;
}

/** The kinds of wallets that this browser has. */
export function walletsHere(): readonly WalletKind[] {
  return [...(wallets().ethereum === undefined ? [] : (["ethereum"] as const)), ...(solana() === undefined ? [] : (["solana"] as const))];
}

/** Have a wallet sign that it is its owner's; throws what the wallet or the exchange refuses. */
export async function signedBy(kind: WalletKind): Promise<SignedBody> {
  return kind === "ethereum" ? signedByEthereum() : signedBySolana();
}

async function messageFor(address: string): Promise<string> {
  const answer = await rest.call("get", "/auth/wallet/nonce", { query: { address }, anonymous: true });
  const message = answer.data.message;
  if (message === null) throw new Error("no message to sign");
  return message;
}

async function signedByEthereum(): Promise<SignedBody> {
  const wallet = wallets().ethereum;
  if (wallet === undefined) throw new Error("no wallet");
  const [address] = (await told(wallet.request({ method: "eth_requestAccounts" }))) as string[];
  if (address === undefined) throw new Error("no account in the wallet");
  const message = await messageFor(address);
  const signature = (await told(wallet.request({ method: "personal_sign", params: [hexOf(message), address] }))) as string;
  return { message, signature };
}

async function signedBySolana(): Promise<SignedBody> {
  const wallet = solana();
  if (wallet === undefined) throw new Error("no wallet");
  const { publicKey } = await told(wallet.connect());
  const message = await messageFor(publicKey.toString());
  const { signature } = await told(wallet.signMessage(new TextEncoder().encode(message), "utf8"));
  return { message, signature: base58(signature) };
}

/** Wallets throw plain objects; make errors of them. */
async function told<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (thrown) {
    const message = (thrown as { message?: unknown } | null)?.message;
    throw new Error(typeof message === "string" ? message : "the wallet refused");
  }
}

/** Text as the hexadecimal digits of its UTF-8, which every wallet takes for what it is. */
export function hexOf(text: string): string {
  return `0x${[...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Bytes in base58, as Solana writes signatures. */
export function base58(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  let text = "";
  while (value > 0n) {
    text = (ALPHABET[Number(value % 58n)] ?? "") + text;
    value /= 58n;
  }
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros === -1 ? bytes.length : zeros) + text;
}
