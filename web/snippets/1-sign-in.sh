PROBITY=http://localhost:8080
curl -s "$PROBITY/api/v1/auth/register" -H 'content-type: application/json' \
  -d '{"email": "ada@example.org", "password": "correct horse"}' \
  | sed 's/.*"accessToken":"\([^"]*\)".*/export TOKEN=\1/'
