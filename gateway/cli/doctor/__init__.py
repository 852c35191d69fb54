"""`probity doctor`: what is asked of machine, database and Redis, and what an answer means."""
