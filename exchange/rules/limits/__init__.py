"""Limits before the trade (RULEBOOK 16): what admins set, and how orders are judged by it. Where
nothing is set an order pays for two comparisons with None.
"""
