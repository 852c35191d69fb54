"""The flows that benchmarks send, the servers they send them to, and the wires."""
