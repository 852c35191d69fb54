"""What follows from the journal, made behind the engine's back and stored: candles and the past."""
