"""What Probity's speed is, measured honestly: one question a file, medians of several rounds.

`make bench` (or `python -m benchmarks [name ...]`) runs them in one process after another and
prints the conditions with the figures. Machines are shared and noisy: compare figures of one run
only.
"""
