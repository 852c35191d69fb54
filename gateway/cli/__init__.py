"""The command line: `probity` and its commands."""
