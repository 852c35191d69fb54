"""The memory: what the exchange has promised, kept in PostgreSQL.

Journal, recovery, repositories for the read side, migrations and the embedded server. Laws:
PostgreSQL is the only truth, everything else a cache of it; nothing is answered before it is
committed; imports run downward only (gateway -> persistence -> exchange). No rule of the exchange
and nothing of HTTP or sockets lives here.
"""
