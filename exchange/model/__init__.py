"""What is remembered: orders, books, markets, accounts, ids, timers, the state.

Plain records: they know how their own numbers move (`Order.fill`), never when.
"""
