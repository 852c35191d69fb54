"""For operators and admins: health, readiness, metrics, modes, credits, figures, the audit log, how
jobs stand; and housekeeping, the job that throws away what is over.
"""
