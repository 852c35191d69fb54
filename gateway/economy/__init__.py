"""The credits economy: what moves credits outside the book, a room for each domain.

movements   the three steps that all of them take, and the sweep that heals what broke off
rewards     credits for coming back each day
bets        credits on one side of a question
"""
