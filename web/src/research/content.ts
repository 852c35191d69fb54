// What comes back from the web, made fit to be shown: as text, and addresses of the web alone as links.
//
// Laws: all of it is foreign, so nothing of it becomes markup and no address leads anywhere but to a page of
// the web; an object that isn't one is shown as the text that it is. Cents are compared in hundredths, as the exchange counts them.

const CENTS = /^(\d+)\.(\d{2})$/;
const FIELDS_MOST = 200;

/** "2.50" -> "2.5", "10.00" -> "10". */
export function centsText(cents: string): string {
  return cents.replace(/\.?0+$/, "") || "0";
}

/** Hundredths of a cent; 0n for what is no amount. */
export function centsOf(cents: string): bigint {
  const found = CENTS.exec(cents);
  return found === null ? 0n : BigInt(`${found[1] ?? "0"}${found[2] ?? "00"}`);
}

export interface Link {
  readonly href: string;
  /** Whose page it is. */
  readonly host: string;
}

/** Where an address of the web leads; null for any other, which is no link. */
export function linkOf(address: string): Link | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  // A name or a password in front of the host makes it look like another one.
  if ((url.protocol !== "https:" && url.protocol !== "http:") || url.username !== "" || url.password !== "") return null;
  return { href: url.href, host: url.host.replace(/^www\./, "") };
}

export interface Field {
  readonly name: string;
  readonly text: string;
}

/** The fields of an answer that is an object; null for what is none, or has too many. */
export function fieldsOf(content: string): readonly Field[] | null {
  let read: unknown;
  try {
    read = JSON.parse(content);
  } catch {
    return null;
  }
  if (typeof read !== "object" || read === null || Array.isArray(read)) return null;
  const all = Object.entries(read);
  if (all.length > FIELDS_MOST) return null;
  return all.map(([name, value]) => ({ name, text: textOf(value) }));
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.map((one) => `• ${one}`).join("\n");
  return JSON.stringify(value, null, 2);
}
