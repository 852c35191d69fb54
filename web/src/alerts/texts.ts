// The texts of the alerts page.
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    alerts: "Alerts", list: "Alerts", history: "History", webhooks: "Webhooks", newAlert: "New alert", make: "Make it", alertMe: "Alert me", made: "You will be told",
    none: "No alerts yet. Make one here, or by “Alert me” on a market's page.", what: "What", market: "Market", marketHint: "Its id or address, e.g. rain or kalshi:KX…", state: "State", fired: "Fired", note: "Note", noteHint: "A word to yourself, told with it",
    PRICE_ABOVE: "The price rises to", PRICE_BELOW: "The price falls to", VOLUME_ABOVE: "Paid within 24 hours reaches", FILL: "An order of mine is filled", CLOSE: "It is about to close", RESOLUTION: "It is resolved",
    outcome: "Of", price: "Price", volume: "Amount", minutes: "Minutes before", order: "Order", orderHint: "Empty: any of your orders", again: "Again", once: "Once", every: "Again, at most every", min1: "minute", min15: "15 minutes", hour1: "hour", day1: "day", to: "Also to", nowhere: "no webhook",
    watching: "looks out", met: "is so now: fires when it is so again", done: "done: it has fired", marketEnded: "over: the market has ended", stopped: "left be", startAgain: "Look out again", pause: "Leave it be", remove: "Remove", anyMarket: "any market",
    removeIt: "Remove the alert?", removeItWhy: "What it has told stays in the history.",
    noHistory: "Nothing was told yet.", time: "Time", about: "About",
    notify: "Notifications of this browser", notifyWhy: "Shown even while the page is in the background, as long as it is open.", notifyOn: "Show them", notifyOff: "Show them no more", notifyDenied: "This browser doesn't allow them: change that in its settings of this site.", notifyNot: "This browser has none.", notifyIsOn: "They are shown in this browser.",
    webhooksWhy: "What an alert tells can be posted to an https address of yours, signed with a secret of its own.", newWebhook: "New webhook", url: "Address", urlHint: "https, on the public internet", noWebhooks: "No webhook.", secretOnce: "This is its secret. It is shown this once: with it you verify that a message is ours.", secret: "Secret", haveIt: "I have it",
    active: "is sent to", disabled: "disabled", failures: "{count} failed in a row", test: "Send a test", tested: "A test is on its way", disable: "Stop", enable: "Begin again", log: "Deliveries", noLog: "Nothing was sent yet.", tries: "Tries", answered: "Answer", error: "What went wrong",
    PENDING: "under way", DELIVERED: "delivered", FAILED: "failed", removeHook: "Remove the webhook?", removeHookWhy: "Its deliveries go with it; its alerts are told on the page alone.", lastSuccess: "Got through last", never: "never",
  },
  {
    alerts: "Alarme", list: "Alarme", history: "Verlauf", webhooks: "Webhooks", newAlert: "Neuer Alarm", make: "Anlegen", alertMe: "Alarm", made: "Sie hören davon",
    none: "Noch keine Alarme. Legen Sie hier einen an, oder mit „Alarm“ auf der Seite eines Marktes.", what: "Was", market: "Markt", marketHint: "Seine Id oder Adresse, z. B. rain oder kalshi:KX…", state: "Stand", fired: "Gemeldet", note: "Notiz", noteHint: "Ein Wort an Sie selbst, das mit gemeldet wird",
    PRICE_ABOVE: "Der Preis steigt auf", PRICE_BELOW: "Der Preis fällt auf", VOLUME_ABOVE: "In 24 Stunden bezahlt", FILL: "Eine Order von mir wird ausgeführt", CLOSE: "Er schließt bald", RESOLUTION: "Die Antwort steht fest",
    outcome: "Von", price: "Preis", volume: "Betrag", minutes: "Minuten vorher", order: "Order", orderHint: "Leer: jede Ihrer Orders", again: "Wieder", once: "Einmal", every: "Wieder, höchstens jede", min1: "Minute", min15: "15 Minuten", hour1: "Stunde", day1: "24 Stunden", to: "Auch an", nowhere: "keinen Webhook",
    watching: "hält Ausschau", met: "ist jetzt so: meldet, wenn es wieder so wird", done: "erledigt: hat gemeldet", marketEnded: "vorbei: Der Markt ist zu Ende", stopped: "ruht", startAgain: "Wieder Ausschau halten", pause: "Ruhen lassen", remove: "Entfernen", anyMarket: "jeder Markt",
    removeIt: "Den Alarm entfernen?", removeItWhy: "Was er gemeldet hat, bleibt im Verlauf.",
    noHistory: "Noch nichts gemeldet.", time: "Zeit", about: "Worüber",
    notify: "Mitteilungen dieses Browsers", notifyWhy: "Auch während die Seite im Hintergrund ist, solange sie offen bleibt.", notifyOn: "Zeigen", notifyOff: "Nicht mehr zeigen", notifyDenied: "Dieser Browser erlaubt sie nicht: Ändern Sie das in seinen Einstellungen zu dieser Seite.", notifyNot: "Dieser Browser hat keine.", notifyIsOn: "Sie werden in diesem Browser gezeigt.",
    webhooksWhy: "Was ein Alarm meldet, kann an eine https-Adresse von Ihnen gehen, signiert mit einem eigenen Geheimnis.", newWebhook: "Neuer Webhook", url: "Adresse", urlHint: "https, im öffentlichen Internet", noWebhooks: "Kein Webhook.", secretOnce: "Das ist sein Geheimnis. Es wird nur jetzt gezeigt: Damit prüfen Sie, dass eine Nachricht von uns ist.", secret: "Geheimnis", haveIt: "Ich habe es",
    active: "wird beliefert", disabled: "abgeschaltet", failures: "{count} Fehlschläge in Folge", test: "Test senden", tested: "Ein Test ist unterwegs", disable: "Anhalten", enable: "Wieder beginnen", log: "Sendungen", noLog: "Noch nichts gesendet.", tries: "Versuche", answered: "Antwort", error: "Was schiefging",
    PENDING: "unterwegs", DELIVERED: "zugestellt", FAILED: "gescheitert", removeHook: "Den Webhook entfernen?", removeHookWhy: "Seine Sendungen gehen mit; seine Alarme meldet nur noch die Seite.", lastSuccess: "Zuletzt zugestellt", never: "nie",
  },
);
