"""The outside of the exchange: REST, accounts and sign-in, the command line, the composition root.

Imports run downward only: gateway -> persistence -> exchange.
"""
