// The texts of the page that proves what the exchange owes.
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    proof: "Proof of what is owed", what: "Every hour the exchange signs what everybody has, added up. Your browser checks the signature and the sums, and finds your own balance in them: who is left out, or counted for less, sees it here.",
    none: "No proof has been made yet.", noneWhy: "The first one is made within the hour.",
    number: "Proof", madeAt: "Made", seq: "Command", accounts: "Accounts", available: "Free", locked: "Locked", collateral: "In markets", fees: "Fees", issued: "Issued", sum: "free + locked + in markets + fees",
    checks: "Checked in this browser", signed: "A key of the exchange has signed it", same: "What is shown is what is signed, and of the last day", adds: "All that anybody has is all that was issued, and nothing is below zero", own: "Your own balance leads to the signed sums",
    holds: "holds", wrong: "wrong", unchecked: "not checked", again: "Check again", checkedAt: "checked at {time}",
    unreadable: "It can't be read.", noKey: "None of the exchange's keys has this name.", forged: "The signature is wrong.", shown: "Something else is shown than was signed.", age: "It isn't of the last day.", amounts: "The amounts don't add up, or one is below zero.", markets: "The markets' collateral isn't that of all.", otherProof: "Your place is one in another proof.", otherAccount: "The leaf is another account's.", otherRoot: "Your place leads to another root than the one that is signed.", otherSums: "Your place leads to other sums than those that are signed.", noCrypto: "This browser can't check it here: it takes https, and a browser that knows Ed25519. docs/examples/check_proof.py can.",
    yours: "Your balance in it", isIn: "Account {account} is in it, as of command {seq}:", now: "now {amount}", compare: "Compare it with what you had then. Half a credit counts for each share of a market that isn't decided.", signIn: "Sign in", signInWhy: "to find your own balance in it.", tooNew: "This proof was made before there was your account: you are in the next one.", isWrong: "Something doesn't hold. Save this page, and ask the exchange.",
    place: "Place", steps: "{count} steps to the root",
    details: "What is signed", chainHead: "Journal's hash", root: "Root", keep: "Compare the root with what others are shown: everybody has to see the same one. A journal that is rewritten later has another hash at the same command.", jws: "Signature (JWS)",
    markets_: "In which markets it lies", market: "Market", others: "{count} others", noMarkets: "Nothing lies in markets.",
  },
  {
    proof: "Nachweis der Schulden", what: "Jede Stunde unterschreibt die Börse, was alle zusammen haben. Ihr Browser prüft die Unterschrift und die Summen und findet Ihr eigenes Guthaben darin: wer fehlt oder für weniger gezählt wird, sieht es hier.",
    none: "Noch gibt es keinen Nachweis.", noneWhy: "Der erste wird innerhalb der Stunde gemacht.",
    number: "Nachweis", madeAt: "Gemacht", seq: "Befehl", accounts: "Konten", available: "Frei", locked: "Gebunden", collateral: "In Märkten", fees: "Gebühren", issued: "Ausgegeben", sum: "frei + gebunden + in Märkten + Gebühren",
    checks: "In diesem Browser geprüft", signed: "Ein Schlüssel der Börse hat ihn unterschrieben", same: "Gezeigt wird, was unterschrieben ist, und er ist vom letzten Tag", adds: "Was alle haben, ist genau, was ausgegeben wurde, und nichts ist unter null", own: "Ihr eigenes Guthaben führt zu den unterschriebenen Summen",
    holds: "stimmt", wrong: "falsch", unchecked: "nicht geprüft", again: "Noch einmal prüfen", checkedAt: "geprüft um {time}",
    unreadable: "Er ist nicht zu lesen.", noKey: "Kein Schlüssel der Börse heißt so.", forged: "Die Unterschrift ist falsch.", shown: "Gezeigt wird etwas anderes, als unterschrieben ist.", age: "Er ist nicht vom letzten Tag.", amounts: "Die Beträge gehen nicht auf, oder einer ist unter null.", markets: "Die Sicherheiten der Märkte sind nicht die von allen.", otherProof: "Ihr Platz ist einer in einem anderen Nachweis.", otherAccount: "Das Blatt gehört einem anderen Konto.", otherRoot: "Ihr Platz führt zu einer anderen Wurzel als der unterschriebenen.", otherSums: "Ihr Platz führt zu anderen Summen als den unterschriebenen.", noCrypto: "Dieser Browser kann es hier nicht prüfen: es braucht https und einen Browser, der Ed25519 kennt. docs/examples/check_proof.py kann es.",
    yours: "Ihr Guthaben darin", isIn: "Konto {account} ist darin, Stand Befehl {seq}:", now: "jetzt {amount}", compare: "Vergleichen Sie es mit dem, was Sie damals hatten. Je Anteil eines Marktes, der nicht entschieden ist, zählt ein halber Credit.", signIn: "Anmelden", signInWhy: "um Ihr eigenes Guthaben darin zu finden.", tooNew: "Dieser Nachweis ist älter als Ihr Konto: im nächsten stehen Sie.", isWrong: "Etwas stimmt nicht. Sichern Sie diese Seite, und fragen Sie die Börse.",
    place: "Platz", steps: "{count} Schritte bis zur Wurzel",
    details: "Was unterschrieben ist", chainHead: "Hash des Journals", root: "Wurzel", keep: "Vergleichen Sie die Wurzel mit der, die andere sehen: alle müssen dieselbe sehen. Ein Journal, das später umgeschrieben wird, hat beim selben Befehl einen anderen Hash.", jws: "Unterschrift (JWS)",
    markets_: "In welchen Märkten es liegt", market: "Markt", others: "{count} andere", noMarkets: "In Märkten liegt nichts.",
  },
);
