PROBITY=http://localhost:8080
curl -s "$PROBITY/api/v1/user/balance" -H "authorization: Bearer $TOKEN"
