// The pages, each loaded when it is asked for first. A new page is a line here and a path in PAGES of
// `gateway/site/terminal.py` (a test compares the two).

import type { ComponentType } from "preact";
import { matched, type Parameters } from "./router";

export interface PageProps {
  readonly params: Parameters;
}
export interface PageModule {
  readonly default: ComponentType<PageProps>;
}
export interface PageRoute {
  readonly pattern: string;
  readonly load: () => Promise<PageModule>;
  /** Which entry of the navigation it belongs to. */
  readonly section: Section;
}
export type Section = "markets" | "trade" | "bets" | "portfolio" | "alerts" | "account" | "admin" | "developers" | "stocks" | "boards" | "research" | "backtests" | "proof";

const markets = () => import("@/markets/MarketsPage");
const trade = () => import("@/trade/TradePage");
const bets = () => import("@/bets/BetsPage");
const rewards = () => import("@/rewards/RewardsPage");
const portfolio = () => import("@/portfolio/PortfolioPage");
const account = () => import("@/account/AccountPage");
const alerts = () => import("@/alerts/AlertsPage");
const admin = () => import("@/admin/AdminPage");
const stocks = () => import("@/stocks/StocksPage");
const boards = () => import("@/boards/BoardsPage");
const research = () => import("@/research/ResearchPage");
const backtests = () => import("@/backtests/BacktestsPage");
const developers = () => import("@/developers/DevelopersPage");

export const ROUTES: readonly PageRoute[] = [
  { pattern: "/", load: markets, section: "markets" },
  { pattern: "/markets", load: markets, section: "markets" },
  { pattern: "/trade/{market}", load: trade, section: "trade" },
  { pattern: "/events/{event}", load: () => import("@/markets/EventPage"), section: "markets" },
  { pattern: "/matches", load: () => import("@/markets/MatchesPage"), section: "markets" },
  { pattern: "/bet/{market}", load: () => import("@/bets/BetPage"), section: "bets" },
  { pattern: "/bets", load: bets, section: "bets" },
  { pattern: "/bets/mine", load: bets, section: "bets" },
  { pattern: "/rewards", load: rewards, section: "bets" },
  { pattern: "/rewards/{part}", load: rewards, section: "bets" },
  { pattern: "/portfolio", load: portfolio, section: "portfolio" },
  { pattern: "/portfolio/{part}", load: portfolio, section: "portfolio" },
  { pattern: "/alerts", load: alerts, section: "alerts" },
  { pattern: "/alerts/{part}", load: alerts, section: "alerts" },
  { pattern: "/stocks", load: stocks, section: "stocks" },
  { pattern: "/stocks/{part}", load: stocks, section: "stocks" },
  { pattern: "/leaderboard", load: boards, section: "boards" },
  { pattern: "/leaderboard/{board}", load: boards, section: "boards" },
  { pattern: "/research", load: research, section: "research" },
  { pattern: "/research/{id}", load: research, section: "research" },
  { pattern: "/backtests", load: backtests, section: "backtests" },
  { pattern: "/backtests/{part}", load: backtests, section: "backtests" },
  { pattern: "/proof", load: () => import("@/proof/ProofPage"), section: "proof" },
  { pattern: "/account", load: account, section: "account" },
  { pattern: "/account/{part}", load: account, section: "account" },
  { pattern: "/admin", load: admin, section: "admin" },
  { pattern: "/admin/{part}", load: admin, section: "admin" },
  { pattern: "/admin/{part}/{id}", load: admin, section: "admin" },
  { pattern: "/developers", load: developers, section: "developers" },
  { pattern: "/developers/{part}", load: developers, section: "developers" },
  { pattern: "/sign-in", load: () => import("@/account/SignInPage"), section: "account" },
  { pattern: "/register", load: () => import("@/account/SignInPage"), section: "account" },
  // Where the exchange leads back to after linking, and the pages of its mails.
  { pattern: "/settings", load: account, section: "account" },
  { pattern: "/forgot-password", load: () => import("@/account/MailPages"), section: "account" },
  { pattern: "/reset-password", load: () => import("@/account/MailPages"), section: "account" },
  { pattern: "/verify-email", load: () => import("@/account/MailPages"), section: "account" },
  { pattern: "/welcome", load: () => import("@/account/WelcomePage"), section: "account" },
];

/** The page of a path and the values in it, null if there is none. */
export function pageOf(path: string): { route: PageRoute; params: Parameters } | null {
  for (const route of ROUTES) {
    const params = matched(route.pattern, path);
    if (params !== null) return { route, params };
  }
  return null;
}
