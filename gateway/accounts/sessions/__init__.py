"""Being signed in: tokens and the keys that sign them, sessions, their cookie, who is in one."""
