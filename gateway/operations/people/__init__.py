"""One person as those see them who look after the exchange: the account and the ways into it."""
