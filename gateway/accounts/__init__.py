"""Who one is: sign-in, tokens, passwords, cookies, sessions, roles."""
