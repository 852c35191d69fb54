"""Orders: from the body on the wire to the command, and from the answer's events back."""
