"""What the checker found and how far it has come, and the proofs of what is owed to whom."""
