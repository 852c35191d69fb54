"""Logs, metrics, tallies and error reports."""
