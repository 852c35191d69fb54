"""Markets of all platforms over REST: what is asked, where it is looked up, how it is shown."""
