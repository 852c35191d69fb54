"""WebSockets for any domain: door, server, links, sessions, events, rooms, private streams.

`framing/` has the bytes of one connection; `library.py` alone knows python-socketio.
"""
