"""Private messages of the past: a client that was away gets exactly what it missed."""
