import { expect, test } from "vitest";
import { base58, hexOf } from "@/account/proofs/wallets";
import { drawn } from "@/account/proofs/qr";
import { csvOf, field } from "@/parts/csv";

test("bytes in base58, as Solana writes them", () => {
  expect(base58(new TextEncoder().encode("Hello World!"))).toBe("2NEpo7TZRRrLZSi2U");
  expect(base58(new Uint8Array([0, 0, 40, 127, 180, 205]))).toBe("11233QC4");
  expect(base58(new Uint8Array([0, 0]))).toBe("11");
});

test("text as hexadecimal digits of its UTF-8", () => {
  expect(hexOf("aé")).toBe("0x61c3a9");
});

test("a QR code has its three eyes", () => {
  const { size, path } = drawn("otpauth://totp/Probity:ann?secret=ABC&issuer=Probity");
  expect(size).toBeGreaterThanOrEqual(25);
  expect(path.startsWith("M0 0h1v1h-1z")).toBe(true);
  expect(path).toContain(`M${size - 1} 0h1`);
});

test("fields are quoted, and formulas defused, numbers not", () => {
  expect(field('say "hi", please')).toBe('"say ""hi"", please"');
  expect(field("=SUM(A1)")).toBe("'=SUM(A1)");
  expect(field("-1.5")).toBe("-1.5");
  expect(field("-a")).toBe("'-a");
  expect(field(null)).toBe("");
});

test("a file has a head and ends each line with CR LF", () => {
  expect(csvOf([{ id: "1", note: "a\nb" }], ["id", "note"])).toBe('id,note\r\n1,"a\nb"\r\n');
});
