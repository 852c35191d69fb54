"""A venue of invented markets, for a demonstration without internet; each says that it is one."""
