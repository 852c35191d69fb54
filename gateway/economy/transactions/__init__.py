"""Everything that moved one's credits, whatever moved it: read from the ledger alone."""
