"""The second factor: codes of an app, recovery codes, and sign-ins that wait for one."""
