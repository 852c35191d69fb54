// The texts of what the on-line checker looked at and found.
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    checker: "On-line checker", lookedAt: "Last look", never: "never", took: "It took", seq: "It saw command", open: "Not acknowledged", halts: "Halts", on: "on", off: "off", offWhy: "what is wrong goes on trading", round: "All in", hours: "{count} h", silent: "No look was through for a quarter of an hour: see the job “check” under Exchange.", fine: "Nothing is found that nobody has acknowledged.",
    compared: "What is compared", course: "Course", what: "What", place: "Now at", through: "Whole last", late: "late",
    sums: "Sums", sumsWhat: "Everybody's money against what was issued; what is locked against open orders; each market's shares against its collateral", sumsWhen: "at every look",
    "new-commands": "New commands", "new-commandsWhat": "The journal's chain, and ledger, trades, payouts and bets against it", "new-lines": "New lines", "new-linesWhat": "The audit log's chain",
    commands: "All commands", commandsWhat: "The same from the first command on", balances: "Balances", balancesWhat: "Each account against its last entry of the ledger", orders: "Open orders", ordersWhat: "What each has locked against what the rules want", bets: "Bets", betsWhat: "Each bet as told against what its shares did", lines: "All lines", linesWhat: "The audit log from the first line on",
    findings: "What was found", OPEN: "Open", ACKNOWLEDGED: "Acknowledged", which: "Which findings", nothing: "Nothing was found.", found: "Found", check: "Check", where: "Where", exchange: "Exchange", expected: "Expected", seen: "Seen", halted: "Halted", notYet: "not yet", haltsNot: "halts nothing", times: "{count} times, last {time}", acknowledge: "Acknowledge", note: "What it was, and what was done", acknowledgeWhy: "What it halted may then be opened again. What is still wrong is found, and halted, by the next look.", acknowledged: "It is acknowledged",
  },
  {
    checker: "Prüfer im Betrieb", lookedAt: "Letzter Blick", never: "nie", took: "Er dauerte", seq: "Er sah Befehl", open: "Nicht quittiert", halts: "Hält an", on: "ja", off: "nein", offWhy: "was falsch ist, wird weiter gehandelt", round: "Alles in", hours: "{count} h", silent: "Seit einer Viertelstunde wurde kein Blick fertig: siehe die Aufgabe „check“ unter Börse.", fine: "Nichts ist gefunden, was niemand quittiert hat.",
    compared: "Was verglichen wird", course: "Gang", what: "Was", place: "Jetzt bei", through: "Zuletzt ganz", late: "spät",
    sums: "Summen", sumsWhat: "Das Geld aller gegen das Ausgegebene; Gebundenes gegen offene Orders; die Anteile jedes Marktes gegen seine Sicherheiten", sumsWhen: "bei jedem Blick",
    "new-commands": "Neue Befehle", "new-commandsWhat": "Die Kette des Journals, und Hauptbuch, Trades, Zahlungen und Wetten dagegen", "new-lines": "Neue Zeilen", "new-linesWhat": "Die Kette des Protokolls",
    commands: "Alle Befehle", commandsWhat: "Dasselbe vom ersten Befehl an", balances: "Guthaben", balancesWhat: "Jedes Konto gegen seinen letzten Eintrag im Hauptbuch", orders: "Offene Orders", ordersWhat: "Was jede bindet gegen das, was die Regeln wollen", bets: "Wetten", betsWhat: "Jede Wette, wie sie gesagt ist, gegen das, was ihre Anteile taten", lines: "Alle Zeilen", linesWhat: "Das Protokoll von der ersten Zeile an",
    findings: "Was gefunden wurde", OPEN: "Offen", ACKNOWLEDGED: "Quittiert", which: "Welche Funde", nothing: "Nichts wurde gefunden.", found: "Gefunden", check: "Prüfung", where: "Wo", exchange: "Börse", expected: "Erwartet", seen: "Gesehen", halted: "Angehalten", notYet: "noch nicht", haltsNot: "hält nichts an", times: "{count}-mal, zuletzt {time}", acknowledge: "Quittieren", note: "Was es war, und was getan wurde", acknowledgeWhy: "Was angehalten ist, kann dann wieder geöffnet werden. Was noch falsch ist, findet der nächste Blick und hält es an.", acknowledged: "Es ist quittiert",
  },
);
