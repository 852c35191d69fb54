"""Stocks: shares whose price lies on a line of how many there are, and loans to buy them with."""
