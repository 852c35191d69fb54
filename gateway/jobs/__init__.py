"""Work beside requests: what never ends is supervised, what has a time or a turn is queued."""
