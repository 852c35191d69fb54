"""What people note down of what they hold on any platform: portfolios, positions, their value.

Reading order: `amounts.py`, `valuation.py`, `holdings.py`, then the rows and the job.
"""
