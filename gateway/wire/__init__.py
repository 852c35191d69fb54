"""Values on any wire: strict JSON, scalars, errors."""
