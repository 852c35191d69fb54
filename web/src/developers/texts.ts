// The texts of the pages for developers.
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    notices: "Licences of what is built into these pages",
    developers: "Developers", reference: "Reference", errors: "Errors", sockets: "Sockets", snippets: "Snippets",
    referenceWhy: "Every call of the REST API. “Try it out” sends it for real, as {who}.",
    yourself: "yourself", nobody: "somebody who isn't signed in", document: "The document", body: "Body", filter: "Filter by tag or path", choice: "Choice",
    code: "Code", number: "Number", status: "Status", kind: "Kind", meaning: "Meaning", action: "What to do", who: "Says it", engine: "engine", gateway: "gateway",
    transient: "transient", final: "final", find: "Find a code or a word", noErrors: "No error has such words.",
    errorsWhy: "Transient: the same may succeed later. Final: send something else. What the engine refused has used its client id up.",
    socketsWhy: "Socket.IO 4 at /ws, WebSocket only. What you send is acknowledged, what you hear is pushed.",
    send: "What you send", hear: "What you hear", answer: "Answered by", example: "For example", signedIn: "signed in", payload: "Fields", required: "required",
    snippetsWhy: "Each is run against a real exchange by our tests. PROBITY is the exchange's address, TOKEN what signing in answered.",
    copy: "Copy", copied: "Copied", copyFailed: "The browser didn't let it be copied", language: "Language",
    signInTask: "Register and sign in", marketsTask: "Find open markets", bookTask: "Read an order book", placeTask: "Place an order", cancelTask: "Cancel what is open", balanceTask: "Read balance and positions", followTask: "Follow a book live",
  },
  {
    notices: "Lizenzen dessen, was in diesen Seiten steckt",
    developers: "Entwickler", reference: "Referenz", errors: "Fehler", sockets: "Sockets", snippets: "Schnipsel",
    referenceWhy: "Jeder Aufruf der REST-API. „Try it out“ sendet ihn wirklich, als {who}.",
    yourself: "Sie selbst", nobody: "jemand, der nicht angemeldet ist", document: "Das Dokument", body: "Inhalt", filter: "Nach Thema oder Pfad filtern", choice: "Auswahl",
    code: "Code", number: "Nummer", status: "Status", kind: "Art", meaning: "Bedeutung", action: "Was tun", who: "Sagt", engine: "Engine", gateway: "Gateway",
    transient: "vorübergehend", final: "endgültig", find: "Code oder Wort suchen", noErrors: "Kein Fehler hat solche Wörter.",
    errorsWhy: "Vorübergehend: dasselbe kann später gelingen. Endgültig: etwas anderes senden. Was die Engine abgelehnt hat, hat seine Client-Id verbraucht.",
    socketsWhy: "Socket.IO 4 unter /ws, nur WebSocket. Was Sie senden, wird bestätigt, was Sie hören, kommt von selbst.",
    send: "Was Sie senden", hear: "Was Sie hören", answer: "Beantwortet mit", example: "Zum Beispiel", signedIn: "angemeldet", payload: "Felder", required: "nötig",
    snippetsWhy: "Jeder läuft in unseren Tests gegen eine wirkliche Börse. PROBITY ist die Adresse der Börse, TOKEN was das Anmelden geantwortet hat.",
    copy: "Kopieren", copied: "Kopiert", copyFailed: "Der Browser ließ das Kopieren nicht zu", language: "Sprache",
    signInTask: "Registrieren und anmelden", marketsTask: "Offene Märkte finden", bookTask: "Ein Orderbuch lesen", placeTask: "Eine Order aufgeben", cancelTask: "Offenes löschen", balanceTask: "Guthaben und Positionen lesen", followTask: "Einem Buch live folgen",
  },
);
