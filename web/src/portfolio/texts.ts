// The texts of the portfolio.
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    portfolio: "Portfolio", overview: "Overview", orders: "Orders", fills: "Trades", settlements: "Settlements", ledger: "Ledger", transactions: "Transactions", watchlists: "Watchlists", external: "Elsewhere",
    available: "Available", locked: "Locked", equity: "Equity", positionsValue: "Value of positions", unrealised: "Unrealised", realised: "Realised",
    positions: "Positions", noPositions: "No shares held.", market: "Market", outcome: "Outcome", quantity: "Shares", average: "Paid on average", mark: "Worth now", value: "Value", profit: "Profit", free: "Free",
    openOrders: "Open orders", noOpenOrders: "No order waits.", why: "Why credits and shares are locked", nothingLocked: "Nothing is locked.",
    lockedWhy: "Each order that waits keeps aside what it may cost, or the shares it may sell. Cancel it and they are free.",
    side: "Side", price: "Price", filled: "Filled", rest: "Left", placed: "Placed", status: "Status", reason: "Why it ended", fees: "Fees", type: "Type", cancel: "Cancel", cancelAll: "Cancel all",
    cancelAllWhy: "All your orders in all markets end.", cancelled: "{count} orders cancelled", cancelledOne: "The order is cancelled", lockedCredits: "Credits", lockedShares: "Shares",
    time: "Time", role: "As", fee: "Fee", resolution: "Answer", payout: "Paid out", held: "Held", perYes: "Per YES",
    kind: "What", change: "Available", changeLocked: "Locked", balance: "Available after", balanceLocked: "Locked after", note: "Note",
    csvWhole: "at most {count} rows", equityCurve: "Value of what is held here, by day", cash: "Profit so far", asTable: "As a table", day: "Day", noCurve: "The first day is noted after midnight.",
    newList: "New list", listName: "Name of the list", make: "Make it", remove: "Remove", removeList: "Remove the list?", removeListWhy: "“{name}” and what is on it.", watched: "{count} markets", noLists: "No lists yet. Stars on the markets page fill one.",
    yesPrice: "YES", closes: "Closes", platform: "Platform", stale: "old",
    noExternal: "Nothing noted down. Portfolios keep records of what you hold elsewhere; no money moves.", newPortfolio: "New portfolio", name: "Name", cost: "Cost", total: "Profit", open: "Open",
    firstOnly: "Only {count} are shown here: there are more.",
    noRows: "Nothing yet.", MAKER: "maker", TAKER: "taker",
  },
  {
    portfolio: "Portfolio", overview: "Überblick", orders: "Orders", fills: "Trades", settlements: "Auszahlungen", ledger: "Kontobuch", transactions: "Bewegungen", watchlists: "Merklisten", external: "Anderswo",
    available: "Verfügbar", locked: "Gebunden", equity: "Vermögen", positionsValue: "Wert der Positionen", unrealised: "Unrealisiert", realised: "Realisiert",
    positions: "Positionen", noPositions: "Keine Anteile.", market: "Markt", outcome: "Antwort", quantity: "Anteile", average: "Im Schnitt bezahlt", mark: "Jetzt wert", value: "Wert", profit: "Gewinn", free: "Frei",
    openOrders: "Offene Orders", noOpenOrders: "Keine Order wartet.", why: "Warum Credits und Anteile gebunden sind", nothingLocked: "Nichts ist gebunden.",
    lockedWhy: "Jede wartende Order legt zurück, was sie kosten kann, oder die Anteile, die sie verkaufen kann. Wird sie gelöscht, sind sie frei.",
    side: "Seite", price: "Preis", filled: "Ausgeführt", rest: "Offen", placed: "Aufgegeben", status: "Stand", reason: "Warum beendet", fees: "Gebühren", type: "Art", cancel: "Löschen", cancelAll: "Alle löschen",
    cancelAllWhy: "Alle Ihre Orders in allen Märkten enden.", cancelled: "{count} Orders gelöscht", cancelledOne: "Die Order ist gelöscht", lockedCredits: "Credits", lockedShares: "Anteile",
    time: "Zeit", role: "Als", fee: "Gebühr", resolution: "Antwort", payout: "Ausgezahlt", held: "Gehalten", perYes: "Je YES",
    kind: "Was", change: "Verfügbar", changeLocked: "Gebunden", balance: "Verfügbar danach", balanceLocked: "Gebunden danach", note: "Notiz",
    csvWhole: "höchstens {count} Zeilen", equityCurve: "Wert des hier Gehaltenen, nach Tagen", cash: "Gewinn bisher", asTable: "Als Tabelle", day: "Tag", noCurve: "Der erste Tag wird nach Mitternacht notiert.",
    newList: "Neue Liste", listName: "Name der Liste", make: "Anlegen", remove: "Entfernen", removeList: "Liste entfernen?", removeListWhy: "„{name}“ und was darauf steht.", watched: "{count} Märkte", noLists: "Noch keine Listen. Sterne auf der Marktseite füllen eine.",
    yesPrice: "YES", closes: "Schließt", platform: "Plattform", stale: "alt",
    noExternal: "Nichts notiert. Portfolios halten fest, was Sie anderswo haben; Geld bewegt sich nicht.", newPortfolio: "Neues Portfolio", name: "Name", cost: "Kosten", total: "Gewinn", open: "Offen",
    firstOnly: "Hier stehen nur {count}: Es gibt mehr.",
    noRows: "Noch nichts.", MAKER: "Maker", TAKER: "Taker",
  },
);
