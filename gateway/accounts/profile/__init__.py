"""What is kept about a person: the profile, preferences, taking it all away, and its deletion."""
