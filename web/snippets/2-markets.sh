PROBITY=http://localhost:8080
curl -s "$PROBITY/api/v1/markets?platform=exchange&status=OPEN&limit=5"
