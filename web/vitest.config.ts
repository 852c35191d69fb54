// Unit tests lie beside nothing: `tests/` mirrors `src/`.
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": resolve(import.meta.dirname, "src") } },
  test: { include: ["tests/**/*.test.{ts,tsx}"], environment: "node", passWithNoTests: false },
});
