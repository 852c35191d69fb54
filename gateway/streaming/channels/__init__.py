"""What a market can be followed for, and the rooms of readers whom the newest state is enough."""
