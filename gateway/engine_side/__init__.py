"""The way to the engine: its ports, an engine here or elsewhere, what its refusals mean."""
