"""WebSockets for any domain: transport, frames, outbound queue, link, session, server."""
