// The texts of what one is given: the credits of the day, invitations, and buying credits.
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    rewards: "Rewards", invite: "Invite", credits: "Get credits",
    today: "Credits of the day", claim: "Claim {amount}", claimed: "Claimed today", claiming: "Claiming", next: "Next: {amount} in {time}", got: "You got {amount}",
    days: "{count} days in a row", oneDay: "1 day in a row", noDays: "Begin a streak today",
    streakWhy: "Each day in a row adds a tenth, up to twice as much on day 11. Who misses a day (UTC) begins anew. If you were here the day before, it comes by itself at midnight UTC.",
    dayIs: "Day {day}: ×{multiplier}", dayDone: "Day {day}: ×{multiplier}, done", streak: "Your streak", none: "There are no daily credits here.",
    MAX_USER_CREDITS: "You have about as many credits as anybody is given. Bet some of them first.", lost: "No answer came. Claiming again never counts twice.",
    movements: "All that moved your credits",
    inviteTitle: "Invite somebody", inviteWhy: "Both of you get {bonus} credits once they have placed a first bet or order.", inviteNoBonus: "There is no bonus just now, but your link works all the same.", link: "Your link", code: "Your code", share: "Share", shareText: "Bet credits with me on Probity",
    invited: "Came by you", rewarded: "Placed a first order", earned: "You were given", left: "Bonuses left", noneLeft: "You have had all your bonuses; those you invite still get theirs.",
    who: "Who came by your link", nobody: "Nobody yet.", number: "Who", since: "When", state: "Status", bonus: "Bonus", INVITED: "hasn't bet yet", PENDING: "on its way", REWARDED: "rewarded", NOT_GIVEN: "not given", someone: "Number {id}",
    REFERRALS_PER_INVITER_MAX: "you had as many bonuses as there are", CREDITS_FULL: "it would have passed the most credits that anybody is given", NO_BONUS: "there was no bonus then",
    buy: "Buy credits", buyWhy: "A simulation: nobody is charged anything.", nothingSold: "No credits are sold here.", packages: "Packages", plusBonus: "{bonus} of them a bonus", pay: "How you pay", card: "Test card", declined: "Test card that is declined",
    buyFor: "Buy {credits} for {price}", buying: "Buying", bought: "{credits} credits are yours", bought_: "What you bought", nothingBought: "Nothing yet.", choose: "Choose a package", what: "Credits", price: "Price", reference: "Reference",
    PAYMENT_DECLINED: "The payment was declined. Nothing was charged: choose another way to pay.", DONE: "done", DECLINED: "declined", REFUSED: "being refunded", REFUNDED: "refunded", UNDER_WAY: "under way",
    lostBuy: "No answer came", lostBuyWhy: "Your purchase of {credits} credits went out, and it isn't known yet whether it was done. Asking again never buys twice.", askAgain: "Ask again", leaveIt: "Leave it", asksAgain: "No answer yet, asking again",
  },
  {
    rewards: "Belohnungen", invite: "Einladen", credits: "Credits holen",
    today: "Credits des Tages", claim: "{amount} abholen", claimed: "Heute abgeholt", claiming: "Holt ab", next: "Als Nächstes {amount} in {time}", got: "Sie haben {amount} bekommen",
    days: "{count} Tage in Folge", oneDay: "1 Tag in Folge", noDays: "Heute eine Serie beginnen",
    streakWhy: "Jeder Tag in Folge bringt ein Zehntel mehr, am 11. Tag doppelt so viel. Wer einen Tag (UTC) auslässt, beginnt von vorn. Wer am Tag davor hier war, bekommt sie um Mitternacht UTC von selbst.",
    dayIs: "Tag {day}: ×{multiplier}", dayDone: "Tag {day}: ×{multiplier}, geschafft", streak: "Ihre Serie", none: "Hier gibt es keine Credits des Tages.",
    MAX_USER_CREDITS: "Sie haben etwa so viele Credits, wie man geschenkt bekommt. Erst einige davon setzen.", lost: "Es kam keine Antwort. Noch einmal abholen zählt nie doppelt.",
    movements: "Alles, was Ihre Credits bewegt hat",
    inviteTitle: "Jemanden einladen", inviteWhy: "Sie beide bekommen {bonus} Credits, sobald die erste Wette oder Order aufgegeben ist.", inviteNoBonus: "Gerade gibt es keinen Bonus, aber Ihr Link gilt trotzdem.", link: "Ihr Link", code: "Ihr Code", share: "Teilen", shareText: "Wette mit mir Credits auf Probity",
    invited: "Kamen durch Sie", rewarded: "Haben schon gewettet", earned: "Sie haben bekommen", left: "Boni übrig", noneLeft: "Sie hatten alle Ihre Boni; wen Sie einladen, bekommt seinen trotzdem.",
    who: "Wer über Ihren Link kam", nobody: "Noch niemand.", number: "Wer", since: "Wann", state: "Stand", bonus: "Bonus", INVITED: "hat noch nicht gewettet", PENDING: "unterwegs", REWARDED: "belohnt", NOT_GIVEN: "nicht gegeben", someone: "Nummer {id}",
    REFERRALS_PER_INVITER_MAX: "Sie hatten so viele Boni, wie es gibt", CREDITS_FULL: "es wären mehr Credits geworden, als man geschenkt bekommt", NO_BONUS: "damals gab es keinen Bonus",
    buy: "Credits kaufen", buyWhy: "Eine Simulation: niemand bezahlt etwas.", nothingSold: "Hier werden keine Credits verkauft.", packages: "Pakete", plusBonus: "davon {bonus} als Bonus", pay: "Womit Sie zahlen", card: "Testkarte", declined: "Testkarte, die abgelehnt wird",
    buyFor: "{credits} für {price} kaufen", buying: "Kauft", bought: "{credits} Credits gehören Ihnen", bought_: "Was Sie gekauft haben", nothingBought: "Noch nichts.", choose: "Paket wählen", what: "Credits", price: "Preis", reference: "Beleg",
    PAYMENT_DECLINED: "Die Zahlung wurde abgelehnt. Nichts wurde abgebucht: bitte anders zahlen.", DONE: "fertig", DECLINED: "abgelehnt", REFUSED: "wird erstattet", REFUNDED: "erstattet", UNDER_WAY: "unterwegs",
    lostBuy: "Es kam keine Antwort", lostBuyWhy: "Ihr Kauf von {credits} Credits ging hinaus, und noch ist unbekannt, ob er geschah. Nachfragen kauft nie doppelt.", askAgain: "Nachfragen", leaveIt: "Dabei belassen", asksAgain: "Noch keine Antwort, fragt nach",
  },
);
