// The licences of the packages that the terminal is built of: those it names, and those that they need.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const IS_LICENCE = /^(licen[cs]e|notice)|\.LICENSE\.txt$/i;

/** Return the texts of all, each under its package's name and its file's; `root` has the package.json. */
export function licenceTexts(root: string): string {
  return packages(root).map(({ name, folder }) => textsOf(name, folder)).join("\n\n");
}

interface Package {
  readonly name: string;
  readonly folder: string;
}

/** All packages that are needed, each once, by name. */
function packages(root: string): Package[] {
  const found = new Map<string, Package>();
  const open = [root];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const name of neededBy(folder)) {
      const needed = folderOf(name, folder);
      if (needed === null || found.has(needed)) continue;
      found.set(needed, { name, folder: needed });
      open.push(needed);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function neededBy(folder: string): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { dependencies?: Record<string, string> };
  return Object.keys(dependencies ?? {});
}

/** Where a package lies that another one needs, as the builder looks for it; null where it isn't installed. */
function folderOf(name: string, from: string): string | null {
  for (let place = from; ; place = dirname(place)) {
    const folder = join(place, "node_modules", name);
    if (existsSync(join(folder, "package.json"))) return folder;
    if (place === dirname(place)) return null;
  }
}

function textsOf(name: string, folder: string): string {
  const files = readdirSync(folder).filter((file) => IS_LICENCE.test(file));
  return files.map((file) => `== ${name}: ${file}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`).join("\n\n");
}
