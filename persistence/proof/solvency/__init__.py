"""Proofs of what is owed to whom: everybody can find their own balance in the sums that are signed.

tree      a Merkle-sum tree: hashes that bind what is below them, sums and all
making    a proof of one picture of the tables
process   the same in a process of its own
"""
