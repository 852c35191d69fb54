"""Bets, as they follow from the journal: what each bought, how its shares left it, how it ended.

records    a bet, and one way in which shares left it
shares     whose shares leave first, and at what price a pair is given back
fold       the commands, in order, into bets
"""
