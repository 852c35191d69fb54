"""Bets: credits on one side of a question, sold back whenever somebody buys, or paid out.

betting    the three steps of a bet and of its sale
orders     the orders that they are, and what came of them
quotes     what either would do now
bodies     what is asked; views, routes: what is told; telling: what sockets hear
"""
