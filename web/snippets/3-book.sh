PROBITY=http://localhost:8080
curl -s "$PROBITY/api/v1/markets/rain/orderbook?outcome=YES&depth=5"
