// How the terminal is built: one page, its parts named by what they hold, each compressed beside
// itself so that the exchange compresses nothing while somebody waits. Nothing is loaded from
// another origin, and nothing stands inline, which the exchange's policy would refuse.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { licenceTexts } from "./notices.ts";

const out = resolve(import.meta.dirname, "../gateway/site/dist");
/** Below this many bytes a compressed form saves no packet. */
const WORTH_COMPRESSING = 512;

function compressed(): Plugin {
  return {
    name: "compressed-beside",
    apply: "build",
    closeBundle() {
      for (const folder of [out, join(out, "assets")]) {
        for (const name of readdirSync(folder)) {
          const path = join(folder, name);
          if (!/\.(js|css|html|svg|json|txt)$/.test(name) || statSync(path).size < WORTH_COMPRESSING) continue;
          const body = readFileSync(path);
          writeFileSync(`${path}.br`, brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
          writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
        }
      }
    },
  };
}

/** Put the licences of what is built in beside it, as they ask for: comments don't outlive the build. */
function notices(): Plugin {
  return {
    name: "notices",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "notices.txt", source: licenceTexts(import.meta.dirname) });
    },
  };
}

// The exchange that `npm run dev` shows; PROBITY_URL names another one.
const exchange = process.env["PROBITY_URL"] ?? "http://localhost:8080";

export default defineConfig({
  resolve: { alias: { "@": resolve(import.meta.dirname, "src") } },
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: "manifest.json",
  },
  server: {
    proxy: {
      "/api": exchange,
      "/static": exchange,
      "/ws": { target: exchange.replace("http", "ws"), ws: true },
    },
  },
  plugins: [{ name: "fresh-folder", apply: "build", buildStart: () => rmSync(out, { recursive: true, force: true }) }, notices(), compressed()],
});
