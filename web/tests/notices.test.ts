import { resolve } from "node:path";
import { expect, test } from "vitest";
import { licenceTexts } from "../notices";

test("the licences of what the packages need are there, too, each package's once", () => {
  const texts = licenceTexts(resolve(import.meta.dirname, ".."));
  const named = [...texts.matchAll(/^== (\S+): /gm)].map((found) => found[1]);
  for (const name of ["preact", "@preact/signals-core", "socket.io-client", "engine.io-client", "socket.io-parser", "@socket.io/component-emitter", "debug", "ms"]) {
    expect(named.filter((one) => one === name), name).toHaveLength(1);
  }
  expect(named).not.toContain("typescript");
});
