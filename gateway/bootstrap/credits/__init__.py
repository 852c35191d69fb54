"""Parts of the credits economy that are put together by themselves."""
