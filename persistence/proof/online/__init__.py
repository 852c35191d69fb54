"""The checker: what `probity verify` proves of the whole, looked at piece by piece while it trades.

course      what a course through the tables is: pieces, each one picture of them
standing    the sums that hold at every moment: money, what is locked, supply
commands    the journal's chain, and what each of its commands stored
balances    what owners have against their last entry of the ledger
orders      what each open order has to have locked
bets        what is told of a bet against how its shares left it
lines       the audit log's chain
look        one look: the sums, and each course some way on
process     a look in a process of its own
"""
