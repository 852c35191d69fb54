"""For operators and admins: health, readiness, metrics, modes, credits, figures, the audit log."""
