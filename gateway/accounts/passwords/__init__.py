"""Passwords: how they are kept and checked, changed and won back, and how often one may guess."""
