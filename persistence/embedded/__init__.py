"""Our own PostgreSQL: its programs, its folder, its life."""
