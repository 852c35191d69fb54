"""A second engine that waits: it follows the journal, and takes over when the first one is gone."""
