"""What sockets hear of each commit: rooms, book messages, the announcer, the heartbeat."""
