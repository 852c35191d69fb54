"""Traces by OpenTelemetry, where an operator wants them: what is said of a request and a command.

exporting -> commands. Nothing outside of this room and `gateway/http/tracing` knows OpenTelemetry,
and neither is imported while `TRACING_URL` is unset.
"""
