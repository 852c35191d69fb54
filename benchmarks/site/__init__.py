"""A whole site under load: what people do on it, offered in an open loop, for minutes."""
