"""Who one is. The rooms say by what: passwords, sessions, the profile; here is what they share."""
