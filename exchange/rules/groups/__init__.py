"""Order groups: what ends a market maker's quotes when too much of them is filled at once
(RULEBOOK 15).
"""
