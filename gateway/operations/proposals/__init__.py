"""Two admins for what is dear: one proposes, another one approves, and it is done once."""
