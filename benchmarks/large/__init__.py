"""What only shows at size: many sockets at once, and a long past behind a start."""
