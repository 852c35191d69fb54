"""Values on any wire: strict JSON, how one value is written, errors, what a failure is told as."""
