"""A market's past as files, made by a process of its own while they are read."""
