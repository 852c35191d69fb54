"""Mail to people: what is written, how it is sent, and which addresses are whose."""
