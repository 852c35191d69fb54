"""Credits for inviting somebody who then trades, to both."""
