"""Requests as spans, and the tracing of a process opened: only `opening` is imported without it."""
