// The texts of what moved one's credits.
import type { TransactionType } from "@/api/schema";
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    transactions: "Transactions", type: "What", allTypes: "Everything", from: "From", to: "Until", time: "Time", about: "About", amount: "Amount", after: "Balance after", available: "Available after", reference: "Reference",
    none: "Nothing moved.", noneYet: "Nothing so far: there may be more further back.", csvAll: "All that fits, from the exchange itself",
    CREDIT: "Credit", DEBIT: "Debit", REWARD: "Daily reward", REFERRAL: "Invitation", PURCHASE: "Purchase", TRADE: "Trade", FEE: "Fee", NETTING: "Pair paid out", SETTLEMENT: "Payout", TRANSFER: "Transfer", BET: "Bet", STOCK: "Stocks",
  },
  {
    transactions: "Bewegungen", type: "Was", allTypes: "Alles", from: "Von", to: "Bis", time: "Zeit", about: "Wozu", amount: "Betrag", after: "Stand danach", available: "Verfügbar danach", reference: "Beleg",
    none: "Nichts hat sich bewegt.", noneYet: "Bisher nichts: weiter zurück kann noch etwas sein.", csvAll: "Alles, was passt, von der Börse selbst",
    CREDIT: "Gutschrift", DEBIT: "Abzug", REWARD: "Tagesbelohnung", REFERRAL: "Einladung", PURCHASE: "Kauf", TRADE: "Handel", FEE: "Gebühr", NETTING: "Paar ausgezahlt", SETTLEMENT: "Auszahlung", TRANSFER: "Übertrag", BET: "Wette", STOCK: "Aktien",
  },
);

const NAMED = ["CREDIT", "DEBIT", "REWARD", "REFERRAL", "PURCHASE", "TRADE", "FEE", "NETTING", "SETTLEMENT", "TRANSFER", "BET", "STOCK"] as const;

/** The types that one can ask for. */
export const TYPES: readonly TransactionType[] = NAMED;

/** What a type is called; one that has no name here is said as it is. */
export function typeName(type: TransactionType): string {
  const named = NAMED.find((one) => one === type);
  return named === undefined ? type : t(named);
}
