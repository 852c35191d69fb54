"""The composition root: the one room that knows how all the others are put together."""
