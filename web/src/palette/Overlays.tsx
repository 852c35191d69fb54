// The command palette, the sheet of keys and a phone's menu, as dialogs.
//
// Law: what is left gives the focus back, before whatever comes next takes it: behind a dialog nothing can have it.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { rest } from "@/api/rest";
import type { ListedMarketView } from "@/api/schema";
import { overlay } from "@/shell/overlays";
import { navigate } from "@/shell/router";
import { t as shell } from "@/shell/texts";
import { commands, fits, type Command } from "./commands";
import { Menu } from "./Menu";
import "./palette.css";
import { t } from "./texts";

const TYPED_MS = 150;
const FOUND_MOST = 8;

export default function Overlays() {
  if (overlay.value === "palette") return <Palette />;
  if (overlay.value === "keys") return <Keys />;
  if (overlay.value === "menu") return <Dialog title={shell("more")}><Menu /></Dialog>;
  return null;
}

function Dialog({ title, children }: { title: string; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const close = () => (overlay.value = null);
  // Told a moment later, when another one may be open.
  const onClose = () => dialog.current !== null && close();
  return (
    <dialog ref={dialog} aria-label={title} onClose={onClose} onClick={(event) => event.target === dialog.current && close()}>
      {children}
    </dialog>
  );
}

function Palette() {
  const asked = useSignal("");
  const chosen = useSignal(0);
  const markets = useSignal<readonly ListedMarketView[]>([]);
  useEffect(() => {
    const words = asked.value.trim();
    if (words.length < 2) {
      markets.value = [];
      return undefined;
    }
    const timer = setTimeout(() => {
      rest.call("get", "/markets/search", { query: { q: words, platform: "all", limit: FOUND_MOST } }).then((answer) => (markets.value = answer.data), () => undefined);
    }, TYPED_MS);
    return () => clearTimeout(timer);
  }, [asked.value]);
  const found: Command[] = [
    ...markets.value.map((market) => ({ text: market.question, hint: market.platform ?? "", run: () => navigate(`/trade/${encodeURIComponent(market.id.includes(":") ? market.id : (market.slug ?? market.id))}`) })),
    ...commands().filter((command) => fits(command.text, asked.value)),
  ];
  const at = Math.min(chosen.value, found.length - 1);
  const place = useRef<HTMLDivElement>(null);
  const run = (command: Command | undefined) => {
    place.current?.closest("dialog")?.close();
    overlay.value = null;
    command?.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") chosen.value = Math.min(found.length - 1, at + 1);
    else if (event.key === "ArrowUp") chosen.value = Math.max(0, at - 1);
    else if (event.key === "Enter") run(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={t("title")}>
      <div ref={place} class="palette">
        <input class="input" autoFocus role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={`palette-${at}`} aria-label={t("prompt")} placeholder={t("prompt")} value={asked.value}
          onInput={(event) => {
            asked.value = event.currentTarget.value;
            chosen.value = 0;
          }}
          onKeyDown={onKeyDown} />
        <ul id="palette-list" role="listbox" aria-label={t("title")}>
          {found.map((command, index) => (
            <li key={`${command.text} ${index}`} id={`palette-${index}`} role="option" aria-selected={index === at} onPointerMove={() => (chosen.value = index)} onClick={() => run(command)}>
              <span class="ellipsis">{command.text}</span>
              {command.hint !== undefined && <small class="quiet">{command.hint}</small>}
            </li>
          ))}
        </ul>
        {found.length === 0 && <p class="empty">{t("none")}</p>}
      </div>
    </Dialog>
  );
}

const KEYS = [
  ["Esc", "esc"], ["Shift Esc", "shiftEsc"], ["Ctrl K", "ctrlK"], ["/", "slash"], ["?", "question"], ["C", "c"], ["A", "a"], ["Y N", "yn"], ["B S", "bs"],
  ["P Q", "pq"], ["V", "v"], ["Enter", "enter"], ["↑ ↓", "arrows"], ["B N", "ladder"], ["Del", "delete"],
] as const;

function Keys() {
  return (
    <Dialog title={t("keys")}>
      <header><h2>{t("keys")}</h2><button class="button bare" onClick={() => (overlay.value = null)}>{t("close")}</button></header>
      <div class="body stack">
        <p class="quiet">{t("keysAbout")}</p>
        <dl class="key-list">
          {KEYS.map(([keys, text]) => (
            <div key={text}><dt>{keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{t(text)}</dd></div>
          ))}
        </dl>
      </div>
    </Dialog>
  );
}
