"""Questions that are researched on the web, from being asked to being read."""
