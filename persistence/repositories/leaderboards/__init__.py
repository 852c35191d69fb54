"""Who gained and traded most, and whose forecasts were best: worked out and read."""
