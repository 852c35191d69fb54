// The texts of the leaderboards.
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    boards: "Leaderboards", pnl: "Profit", volume: "Volume", calibration: "Forecasts", period: "Of which time", day: "Today", week: "This week", month: "This month", all: "Ever",
    pnlWhat: "What one has, less what was put in. Credits that are given or bought are no profit.", volumeWhat: "What one traded, in credits.", calibrationWhat: "The Brier score of what one held until the answer: 0 is best, 0.25 is a coin's.",
    rank: "Place", who: "Who", value_pnl: "Profit", value_volume: "Traded", value_calibration: "Score", positions: "Positions", since: "since {time}",
    asOf: "as of {time}", late: "older than it should be", soon: "The boards are made for the first time soon.", nobody: "Nobody has a place yet.", nobodyWhy: "Trade, and hold what you buy until its answer is known.",
    own: "Where you stand", place: "{rank} of {of}", noPlace: "no place yet", noPlaceHidden: "no place, by your wish", you: "you", signIn: "Sign in", signInWhy: "to see where you stand.",
    shown: "Others see you here by your name.", hidden: "Others don't see you here.", hide: "Hide me", show: "Show me", hiding: "You are gone from the boards within 15 seconds", showing: "You are on the boards after the next run", privacy: "Whoever hides has no place, and the others close up. One's own figures are one's own to see in any case.",
  },
  {
    boards: "Ranglisten", pnl: "Gewinn", volume: "Umsatz", calibration: "Vorhersagen", period: "Aus welcher Zeit", day: "Heute", week: "Woche", month: "Monat", all: "Immer",
    pnlWhat: "Was jemand hat, weniger was eingezahlt wurde. Geschenkte und gekaufte Credits sind kein Gewinn.", volumeWhat: "Was jemand gehandelt hat, in Credits.", calibrationWhat: "Der Brier-Wert dessen, was bis zur Antwort gehalten wurde: 0 ist am besten, 0.25 hat eine Münze.",
    rank: "Platz", who: "Wer", value_pnl: "Gewinn", value_volume: "Gehandelt", value_calibration: "Wert", positions: "Positionen", since: "seit {time}",
    asOf: "Stand {time}", late: "älter als es sein sollte", soon: "Die Ranglisten werden bald zum ersten Mal gemacht.", nobody: "Noch hat niemand einen Platz.", nobodyWhy: "Handeln Sie, und halten Sie, bis die Antwort bekannt ist.",
    own: "Wo Sie stehen", place: "{rank} von {of}", noPlace: "noch kein Platz", noPlaceHidden: "kein Platz, wie Sie es wollen", you: "Sie", signIn: "Anmelden", signInWhy: "um zu sehen, wo Sie stehen.",
    shown: "Andere sehen Sie hier mit Ihrem Namen.", hidden: "Andere sehen Sie hier nicht.", hide: "Mich verbergen", show: "Mich zeigen", hiding: "Innerhalb von 15 Sekunden sind Sie von den Ranglisten verschwunden", showing: "Nach dem nächsten Lauf stehen Sie auf den Ranglisten", privacy: "Wer sich verbirgt, hat keinen Platz, und die anderen rücken auf. Die eigenen Zahlen sieht man in jedem Fall.",
  },
);
