"""Alerts: people say what they want to be told of, and are told it once, wherever they are.

    rules       when an alert fires: pure
    bodies      what an alert looks for, from the wire
    views       what alerts and firings look like on the wire
    settings    bounds
    routes      one's alerts, and what they have told
    watching    looks at tapes, ledgers and markets, and notes what fires
    figures     what was paid in markets, and that venues are asked
    telling     tells sockets
    tallies     metrics
    webhooks/   tells https addresses
    jobs        when a worker looks and sends

Nothing here is on the way of an order: what is looked at is what was committed and stored.
"""
