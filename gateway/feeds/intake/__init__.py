"""What the jobs take in: lists, prices, ends and snapshots of venues' markets, into the catalogue.

Reading order: `rounds.py` (one job over all venues), `ingestion.py`, `catalogue.py`, the others.
"""
