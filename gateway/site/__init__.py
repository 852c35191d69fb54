"""Pages for people: the front page, the documentation page, and their parts."""
