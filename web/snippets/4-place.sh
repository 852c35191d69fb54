PROBITY=http://localhost:8080
curl -s "$PROBITY/api/v1/orders/rain" -H "authorization: Bearer $TOKEN" \
  -H 'content-type: application/json' \
  -d '{"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.40", "quantity": "10"}'
