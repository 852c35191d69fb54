// The parts of the terminal that have no place in a phone's bar, as a list to press.

import type { TargetedEvent } from "preact";
import { elsewhere } from "@/shell/elsewhere";
import { Icon } from "@/shell/Icon";
import { overlay } from "@/shell/overlays";
import { t as shell } from "@/shell/texts";
import { t } from "./texts";

export function Menu() {
  const close = () => (overlay.value = null);
  const leave = (event: TargetedEvent<HTMLAnchorElement>) => {
    event.currentTarget.closest("dialog")?.close();
    close();
  };
  return (
    <>
      <header><h2>{shell("more")}</h2><button class="button bare" onClick={close}>{t("close")}</button></header>
      <nav class="menu" aria-label={shell("more")}>
        {elsewhere().map((entry) => <a key={entry.href} href={entry.href} onClick={leave}><Icon name={entry.icon} /> {shell(entry.text)}</a>)}
      </nav>
    </>
  );
}
