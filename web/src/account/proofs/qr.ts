// A QR code as the path of an SVG, one square a dark module.

import { encode } from "uqr";

export interface Drawn {
  readonly size: number;
  readonly path: string;
}

/** Draw a text; it is `size` modules wide and high. */
export function drawn(text: string): Drawn {
  const { data, size } = encode(text, { ecc: "M", border: 0 });
  let path = "";
  for (const [y, row] of data.entries()) {
    for (const [x, isDark] of row.entries()) if (isDark) path += `M${x} ${y}h1v1h-1z`;
  }
  return { size, path };
}
