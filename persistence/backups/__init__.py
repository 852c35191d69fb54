"""One file that holds all of an exchange, and an exchange made of it again."""
