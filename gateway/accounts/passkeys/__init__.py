"""Passkeys (WebAuthn): as a second factor, and as a sign-in that is both factors in one."""
