"""The tables of stocks: `stocks.py` (what there is), `orders.py` (what is done), `reading.py`."""
