"""A market's past as tables: trades, candles, changes of the book, the order log."""
