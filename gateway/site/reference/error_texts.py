"""What each error of the gateway means, and what its caller does about it, by code and status.

Laws: every error that a call can be told (`wire/errors.py`) has its text, and so has every code
that `Refused` is raised with; a test finds them in the source. What the engine refuses is in
`refusal_texts.py`.
"""

from typing import Final, NamedTuple

from gateway.wire import errors


class ErrorText(NamedTuple):
    """What happened, what to do, and whether the same may succeed later, unchanged."""

    meaning: str
    action: str
    transient: bool


ERRORS: Final[dict[type[errors.ApiError], ErrorText]] = {
    errors.ValidationFailed: ErrorText(
        "The request can't be understood, or can never be done as it is.",
        "Mend the fields that `details` name; the message says what each must be.",
        False,
    ),
    errors.Unauthorized: ErrorText(
        "No access token came along, or one that doesn't hold (any more).",
        "Renew it by POST /auth/refresh, else sign in anew; of a signed call check key, clock and"
        " signature.",
        False,
    ),
    errors.SecondFactorRequired: ErrorText(
        "The first factor was right; nobody is signed in before the second one is, too.",
        "Send `challenge` of `secondFactor` with a code to POST /auth/2fa/verify.",
        False,
    ),
    errors.Forbidden: ErrorText(
        "You are known, and may not do this: it is an admin's, or your API key lacks the scope.",
        "Use an account or a key that may.",
        False,
    ),
    errors.FreshLoginRequired: ErrorText(
        "You may do this, but your last sign-in is too long ago for something as dear.",
        "Prove who you are by POST /auth/step-up, then send the same again.",
        False,
    ),
    errors.SecondFactorMissing: ErrorText(
        "Admins need a second factor here, and you have none.",
        "Set one up under /auth/2fa, then send the same again.",
        False,
    ),
    errors.ProposalRequired: ErrorText(
        "This takes two admins.",
        "Propose it by POST /admin/proposals, and have another admin approve it.",
        False,
    ),
    errors.AccountSuspended: ErrorText(
        "The account is suspended: it reads, and changes nothing.", "Ask the operator.", True
    ),
    errors.NotFound: ErrorText(
        "There is nothing of that name, or nothing that you may know of.",
        "Check path and id.",
        False,
    ),
    errors.MethodNotAllowed: ErrorText(
        "The path is there, for other methods.", "Take one that the header Allow names.", False
    ),
    errors.Conflict: ErrorText(
        "It contradicts what is there already, e.g. a name that is taken.",
        "Read what is there, and decide anew.",
        False,
    ),
    errors.PayloadTooLarge: ErrorText(
        "The body is longer than a body may be; the connection is closed.",
        "Send less: GET /hello has the bound.",
        False,
    ),
    errors.UnsupportedMediaType: ErrorText(
        "The body isn't said to be JSON in UTF-8.", "Send Content-Type: application/json.", False
    ),
    errors.OutOfRange: ErrorText(
        "It lies before what is kept, or behind what has happened.",
        "Ask for a place within the range that the message names.",
        False,
    ),
    errors.LimitReached: ErrorText(
        "You have as many of these as one may have.", "Delete one that you don't need.", False
    ),
    errors.PriceUnknown: ErrorText(
        "No live price of that market is known.", "Give a price, or try again later.", True
    ),
    errors.RateLimited: ErrorText(
        "A limit is used up; nothing happened. `details` name it, its size and what refills it.",
        "Send the same again after `retryAfter` seconds; docs/limits.md has every limit.",
        True,
    ),
    errors.InternalError: ErrorText(
        "A fault of ours.",
        "Report `requestId` of `meta`. Of an order: send the same again under the same"
        " clientOrderId to learn its outcome.",
        True,
    ),
    errors.ExternalApiFailed: ErrorText(
        "The venue that was asked didn't answer as it should.", "Try again in a moment.", True
    ),
    errors.Unavailable: ErrorText(
        "The exchange can't take this now; nothing happened.",
        "Send the same again after `retryAfter` seconds.",
        True,
    ),
    errors.ReadsOnly: ErrorText(
        "This process serves reads and feeds only, however often it is asked.",
        "Send it to the engine's own address.",
        False,
    ),
    errors.UnknownOutcome: ErrorText(
        "It may or may not have happened.",
        "Send the same again under the same clientOrderId or requestId: the answer is what became"
        " of it.",
        True,
    ),
    errors.NotYetReached: ErrorText(
        "This process doesn't know the command of `minSeq` yet.",
        "Try again in a moment, or without minSeq for what it does know.",
        True,
    ),
}
"""By class; `Refused` has many codes, and DatabaseAway is an Unavailable."""
REFUSED: Final[dict[str, ErrorText]] = {
    "BET_ENDED": ErrorText(
        "Nothing is left in the bet to be sold, or all of it is being sold just now.",
        "Look at GET /bets/{id}: it was sold, closed by a bet on the other side, or paid out.",
        False,
    ),
    "BET_SHARES": ErrorText(
        "The bet has fewer shares left than are to be sold, less those being sold just now.",
        "Sell what is left, or without `shares` all of it.",
        False,
    ),
    "AMOUNT_TOO_SMALL": ErrorText(
        "The amount doesn't pay for a hundredth of a share, or the shares bring nothing.",
        "Ask for more.",
        False,
    ),
    "INSUFFICIENT_SHARES": ErrorText(
        "You have fewer shares of the stock, or all of them bring less.",
        "Ask GET /economy/portfolio what you have.",
        False,
    ),
    "MAX_USER_CREDITS": ErrorText(
        "The account would hold more credits than anybody is given.",
        "Ask for less, or again when you hold less; what you earn by trading may pass it.",
        True,
    ),
    "NOTHING_TRADED": ErrorText(
        "The bet or the sale met nothing that it may trade with; nothing was charged.",
        "The message names what stood in its way, an order of one's own say; bet again without it.",
        True,
    ),
    "NOT_MIRRORED": ErrorText(
        "The market of another venue isn't traded here; the message says why.",
        "Bet in another market, or later; an admin may mirror it (POST /admin/mirrors).",
        True,
    ),
    "NO_LIQUIDITY": ErrorText(
        "Nobody offers what a bet would buy, or buys what a sale would sell; nothing was charged.",
        "Try again when somebody does, or place a limit order.",
        True,
    ),
    "NOT_COVERED": ErrorText(
        "So large a loan could not be paid back if others had to sell their shares first.",
        "Use less leverage, or buy fewer shares.",
        True,
    ),
    "PAYMENT_DECLINED": ErrorText(
        "The payment was declined; nothing was charged.",
        "Pay by something else, under a new requestId.",
        False,
    ),
    "PREVIEW_TOO_LARGE": ErrorText(
        "The preview would have to look at more resting orders than one may.",
        "Ask for a smaller quantity, or for fewer operations at once.",
        False,
    ),
    "PRICE_MOVED": ErrorText(
        "A share would cost more than `maxPrice`, or bring less than `minPrice`.",
        "Look at the price again.",
        True,
    ),
    "STOCK_HALTED": ErrorText(
        "Nobody buys the stock for now.", "Wait for it to be open; you may sell.", True
    ),
    "SUPPLY_EXHAUSTED": ErrorText(
        "So many shares there may not be, or they cost more than may be paid at once.",
        "Ask for fewer.",
        False,
    ),
    "TOO_MANY_LOANS": ErrorText(
        "As many others as may owe as much on the stock, or more.",
        "Borrow more, or buy with leverage 1.",
        True,
    ),
    "TOO_MANY_SUBSCRIPTIONS": ErrorText(
        "The socket, the user or the address follows as many markets as one may.",
        "Unsubscribe from some, or open another socket where the limit is the socket's.",
        False,
    ),
    "WORST_PRICE": ErrorText(
        "All that is offered is at a worse price than `maxPrice`; nothing was charged.",
        "Quote it anew, and bet at that price if you still want to.",
        True,
    ),
}
"""What the gateway itself refuses with 422, by code."""
