"""How a benchmark is run, its conditions and figures, what is recorded and drawn."""
