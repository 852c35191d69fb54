"""Where alerts are sent beside the page: signing, sending, and what one sees of it."""
