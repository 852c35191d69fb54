"""Signing in by an account elsewhere: X (OAuth 2 with PKCE) and Google (OpenID Connect)."""
