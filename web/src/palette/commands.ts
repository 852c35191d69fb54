// What the palette can do, by words.

import { signOut, isSignedIn } from "@/session/session";
import { language } from "@/shell/language";
import { overlay } from "@/shell/overlays";
import { confirmOrders, layout, palette, priceFormat, sounds, theme } from "@/shell/preferences";
import { navigate } from "@/shell/router";
import { areKeysOn } from "@/trade/keys";
import { t } from "./texts";

export interface Command {
  readonly text: string;
  readonly hint?: string;
  readonly run: () => void;
}

function goTo(where: "markets" | "bets" | "myBets" | "rewards" | "invite" | "transactions" | "portfolio" | "account" | "matches" | "developers" | "stocks" | "boards" | "research" | "backtests" | "proof", href: string): Command {
  return { text: t("goTo", { where: t(where) }), run: () => navigate(href) };
}

/** Every command, in the order in which they are shown without a word. */
export function commands(): Command[] {
  return [
    goTo("markets", "/"),
    goTo("bets", "/bets"),
    goTo("myBets", "/bets/mine"),
    goTo("portfolio", "/portfolio"),
    goTo("transactions", "/portfolio/transactions"),
    goTo("rewards", "/rewards"),
    goTo("invite", "/rewards/invite"),
    goTo("stocks", "/stocks"),
    goTo("boards", "/leaderboard"),
    goTo("research", "/research"),
    goTo("backtests", "/backtests"),
    goTo("proof", "/proof"),
    goTo("matches", "/matches"),
    goTo("account", "/account"),
    goTo("developers", "/developers"),
    { text: t("showKeys"), hint: "?", run: () => (overlay.value = "keys") },
    { text: t(areKeysOn.value ? "keysOff" : "keysOn"), run: () => (areKeysOn.value = !areKeysOn.peek()) },
    { text: t("themeDark"), run: () => (theme.value = "dark") },
    { text: t("themeLight"), run: () => (theme.value = "light") },
    { text: t("themeSystem"), run: () => (theme.value = "system") },
    { text: t("greenUp"), run: () => (palette.value = "green-up") },
    { text: t("redUp"), run: () => (palette.value = "red-up") },
    { text: t("colourBlind"), run: () => (palette.value = "colour-blind") },
    { text: t("layoutPro"), run: () => (layout.value = "pro") },
    { text: t("layoutSimple"), run: () => (layout.value = "simple") },
    ...(["price", "percent", "cents", "odds"] as const).map((form) => ({ text: t(form), run: () => (priceFormat.value = form) })),
    { text: t(sounds.value ? "soundsOff" : "soundsOn"), run: () => (sounds.value = !sounds.peek()) },
    { text: t(confirmOrders.value ? "confirmOff" : "confirmOn"), run: () => (confirmOrders.value = !confirmOrders.peek()) },
    { text: t("english"), run: () => (language.value = "en") },
    { text: t("german"), run: () => (language.value = "de") },
    ...(isSignedIn.value ? [{ text: t("signOut"), run: () => void signOut() }] : []),
  ];
}

/** Whether each word asked for begins a word of the text, whatever its case. */
export function fits(text: string, asked: string): boolean {
  const words = text.toLowerCase().split(/[^\p{L}\p{N}]+/u);
  return asked.toLowerCase().split(/\s+/).filter(Boolean).every((part) => words.some((word) => word.startsWith(part)));
}
