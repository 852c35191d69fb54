"""What order entry through a gateway costs, beside the engine's own address."""

from benchmarks.gateways.measuring import measure

__all__ = ["measure"]
