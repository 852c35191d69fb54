// The frame and the page in it.

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { balance, isAccountLive } from "@/feed/account";
import { isSignedIn, standing, user } from "@/session/session";
import { elsewhere, type Entry } from "./elsewhere";
import { Icon } from "./Icon";
import { language } from "./language";
import { Notices } from "./notices";
import { overlay } from "./overlays";
import { CONTENT, path, type Parameters } from "./router";
import { pageOf, type PageProps, type PageRoute, type Section } from "./routes";
import { cashOf, formatCash } from "@/units/money";
import { t } from "./texts";
import { titled } from "./title";

interface Shown {
  readonly route: PageRoute;
  readonly Page: ComponentType<PageProps>;
}

const shown = signal<Shown | null>(null);
const failure = signal<string | null>(null);

async function show(route: PageRoute): Promise<void> {
  failure.value = null;
  try {
    const module = await route.load();
    shown.value = { route, Page: module.default };
  } catch (error) {
    failure.value = error instanceof Error ? error.message : String(error);
  }
}

export function App() {
  const found = pageOf(path.value);
  useEffect(() => {
    if (found !== null) void show(found.route);
  }, [found?.route.load]);
  const section = found?.route.section ?? null;
  // Before the page's own effects: those that know better (`useTitle`) come behind it.
  useLayoutEffect(() => {
    document.title = titled(section === null ? t("notFound") : path.value === "/sign-in" ? t("signIn") : t(section === "trade" ? "markets" : section));
  }, [path.value, section, language.value]);
  return (
    <>
      <a class="skip button" href={`#${CONTENT}`}>{t("skip")}</a>
      <Bar section={section} />
      <main id={CONTENT} tabIndex={-1}>
        <Content found={found} />
      </main>
      <Dock section={section} />
      <Notices />
      <LazyOverlays />
    </>
  );
}

const loadedOverlays = signal<ComponentType | null>(null);

function LazyOverlays() {
  const isWanted = overlay.value !== null;
  useEffect(() => {
    if (isWanted && loadedOverlays.peek() === null) void import("@/palette/Overlays").then((module) => (loadedOverlays.value = module.default), () => (overlay.value = null));
  }, [isWanted]);
  const Loaded = loadedOverlays.value;
  return isWanted && Loaded !== null ? <Loaded /> : null;
}

function Content({ found }: { found: { route: PageRoute; params: Parameters } | null }) {
  if (found === null) {
    return (
      <div class="loading">
        <p>{t("notFound")} · <a href="/">{t("toMarkets")}</a></p>
      </div>
    );
  }
  if (failure.value !== null) {
    return (
      <div class="loading" role="alert">
        <p>{t("pageFailed", { reason: failure.value })} <button class="button" onClick={() => location.reload()}>{t("reload")}</button></p>
      </div>
    );
  }
  const current = shown.value;
  if (current?.route.load !== found.route.load) return <div class="loading" aria-busy="true">{t("loading")} …</div>;
  return <current.Page params={found.params} />;
}

type OwnEntry = Entry<"markets" | "bets" | "portfolio" | "alerts" | "account" | "signIn">;

const MARKETS: OwnEntry = { section: "markets", href: "/", text: "markets", icon: "markets" };
const BETS: OwnEntry = { section: "bets", href: "/bets", text: "bets", icon: "bets" };
const PORTFOLIO: OwnEntry = { section: "portfolio", href: "/portfolio", text: "portfolio", icon: "portfolio" };
const ALERTS: OwnEntry = { section: "alerts", href: "/alerts", text: "alerts", icon: "alerts" };
const ACCOUNT: OwnEntry = { section: "account", href: "/account", text: "account", icon: "account" };
const SIGN_IN: OwnEntry = { section: "account", href: "/sign-in", text: "signIn", icon: "account" };

function entries(): OwnEntry[] {
  return [MARKETS, BETS, PORTFOLIO, ...(isSignedIn.value ? [ALERTS] : [])];
}

function Bar({ section }: { section: Section | null }) {
  return (
    <header class="bar">
      <a class="brand" href="/">
        <img src="/static/mark.svg" alt="" width="24" height="24" />
        Probity
      </a>
      <nav aria-label={t("mainNavigation")}>
        {[...entries(), ...elsewhere()].map((entry) => (
          <a key={entry.href} href={entry.href} aria-current={isIn(entry, section) ? "page" : undefined}>{t(entry.text)}</a>
        ))}
      </nav>
      <div class="end">
        <button class="button bare hint" onClick={() => (overlay.value = "palette")} title="Ctrl K"><Icon name="search" size={16} /> {t("commands")} <kbd>Ctrl K</kbd></button>
        {isSignedIn.value && balance.value !== null && (
          <a class="cash" href="/portfolio" data-cash>
            {formatCash(cashOf(balance.value.available))}
            <small>{isAccountLive.value ? t("available") : `${t("catchingUp")} …`}</small>
          </a>
        )}
        {isSignedIn.value && <a class="button bare hint" href="/account">{user.value?.displayName}</a>}
        {standing.value === "out" && <a class="button primary" href="/sign-in">{t("signIn")}</a>}
      </div>
    </header>
  );
}

function isIn(entry: { readonly section: Section }, section: Section | null): boolean {
  return entry.section === section || (entry.section === "markets" && section === "trade");
}

function Dock({ section }: { section: Section | null }) {
  const all = [...entries(), isSignedIn.value ? ACCOUNT : SIGN_IN];
  return (
    <nav class="dock" aria-label={t("mainNavigation")}>
      {all.map((entry) => (
        <a key={entry.href} href={entry.href} aria-current={isIn(entry, section) ? "page" : undefined}>
          <Icon name={entry.icon} />
          {t(entry.text)}
        </a>
      ))}
      <button aria-haspopup="dialog" aria-current={elsewhere().some((entry) => isIn(entry, section)) ? "page" : undefined} onClick={() => (overlay.value = "menu")}>
        <Icon name="more" />
        {t("more")}
      </button>
    </nav>
  );
}
