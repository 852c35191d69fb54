PROBITY=http://localhost:8080
curl -s -X DELETE "$PROBITY/api/v1/orders?market=rain" -H "authorization: Bearer $TOKEN"
