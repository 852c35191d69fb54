"""Rows of second factors: codes, passkeys, and the challenges that ask for one."""
