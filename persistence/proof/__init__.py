"""`probity verify`: the journal run again, and the tables held against it."""
