// A table as a file that other programs read (RFC 4180), made of the rows that are shown.
//
// Law: a field that a spreadsheet would take for a formula has a ' before it; numbers stay numbers.

const NUMBER = /^-?\d+(\.\d+)?$/;
const FORMULA = /^[=+\-@\t\r]/;

/** One field as it stands in a file. */
export function field(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return "";
  let text = String(value);
  if (FORMULA.test(text) && !NUMBER.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The columns of `names` of every row, with a head; every line ends with CR LF. */
export function csvOf<T extends object>(rows: readonly T[], names: readonly (keyof T & string)[]): string {
  const lines = [names.map(field), ...rows.map((row) => names.map((name) => field(row[name] as string | null)))];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

/** Give the reader a file. */
export function saveFile(name: string, text: string, type = "text/csv"): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
