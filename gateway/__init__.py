"""The outside of the exchange: REST, sockets, sign-in, the command line, the composition root.

Domains stand above, transports and ground below, one root on top. Imports run down this list,
never up, and not between rooms of one line (checked); a domain may use a lower one, never its
routes:

    cli                                   the command line: main, doctor/, replay/
    bootstrap                             how everything is put together, and the lists of what is
    demo                                  simulated markets and traders
    operations, portfolio, economy,       domains: for operators, what one has, credits,
      streaming, alerts, research                  what sockets hear, what one wants to be told,
                                                   backtests
    trading, feeds                                 orders, other venues
    markets, accounts, site                        questions, who one is, pages
    sockets, http, engine_side            transports: to people and programs, and to the engine
    jobs                                  ground: work beside requests
    observability, access, sealing                 logs and metrics, who calls, what is secret
    wire, settings, client, venues, outbound      values, settings, the API's client, venues' fees,
                                                   asking others over HTTP

`bootstrap/compose.py` is where to begin; then follow one order from `trading/routes.py`.
"""
