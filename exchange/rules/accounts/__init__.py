"""What becomes of accounts beside their orders: money, standing, switches that end orders."""
