"""The words: units, terms, bounds, commands, events, reasons."""
