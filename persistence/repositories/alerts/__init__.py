"""Alerts: what people want to be told, what was seen, and to whom it is sent."""
