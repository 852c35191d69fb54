"""Markets of other venues in one format, live and with their history, beside our own.

Reading order: `model.py` (the one format), `venue.py` (what a venue must offer), then a venue,
`intake/` (what the jobs do), `api/` (what is shown).
"""
