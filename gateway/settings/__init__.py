"""How settings are read from the environment and `.env`."""
