"""The audit log as it is read, and what sees that nobody cuts it."""
