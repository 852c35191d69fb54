"""What venues charge for a trade, ours and others: pure functions of a market's own fee terms.

Reading order: `schedules.py` (one question for all venues), then a venue.
"""
