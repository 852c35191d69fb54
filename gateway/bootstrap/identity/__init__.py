"""How people are known: accounts, sessions, second factors, other ways in, API keys."""
