"""Reaching any PostgreSQL: pools and deadlines, checks, schema steps."""
