"""What Probity's speed is, measured honestly: one question a file, medians of several rounds.

`make bench` runs them all, prints the figures with the conditions, and records both in
`RESULTS.md`; `python -m benchmarks [name ...]` only prints. Each runs in a process of its own, one
after another. Machines are shared and noisy: compare figures of one run only. What is held is held
to a ratio to a yardstick of the same run (`yardsticks/`), which doesn't depend on us.
"""
