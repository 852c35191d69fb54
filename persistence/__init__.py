"""The memory: what the exchange has promised, kept in PostgreSQL.

    standby           a second engine that waits, and takes over
    proof, relay      `probity verify`; rows to other processes, and the view that follows them
    repositories      rows of people and of history, one file a table family
    loop              the engine's loop: queue, intake, batch, commit, view, recovery
    journal           rows in, rows out: hash chain, layouts, the tip
    embedded          our own PostgreSQL
    postgres          reaching any PostgreSQL, checks, schema steps

Laws: PostgreSQL is the only truth, everything else a cache of it; nothing is answered before it is
committed; imports run down this list only (checked), and gateway -> persistence -> exchange. No
rule of the exchange and nothing of HTTP or sockets lives here. Read `loop/ports.py` (the seams),
then `loop/sequencer.py`.
"""
