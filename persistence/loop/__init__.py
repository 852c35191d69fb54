"""The engine's loop: queue, intake, batch, commit, view, recovery."""
