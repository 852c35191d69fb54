"""API keys: programs that act for somebody, within what they were given."""
