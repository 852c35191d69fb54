"""The exchange's own accounts, which trade and pay by the rules of everybody's.

    ..000          the house, which quotes in markets of its own
    ..001 - ..999  reserves, one for each stock

Laws: their ids are reserved: far above what people's reach, and below 2^53, which every client can
count to. Nobody signs in as one, since no user has such an id; what is done in their name is done
by the exchange's own code, under system ids.
"""

from typing import Final

SYSTEM_ACCOUNTS: Final = range(9_000_000_000_000_000, 9_000_000_000_001_000)
HOUSE: Final = 9_000_000_000_000_000
RESERVES: Final = SYSTEM_ACCOUNTS[1:]


def reserve_of(stock: int) -> int:
    """Return the account of a stock's reserve; raises ValueError for a number beyond 1..999."""
    if not 1 <= stock < len(SYSTEM_ACCOUNTS):
        raise ValueError(f"there is no reserve for stock {stock}")
    return HOUSE + stock


def system_name(account_id: int) -> str | None:
    """Return what an account of the exchange's own is called ("house", "reserve:7"); None for
    another one.
    """
    if account_id not in SYSTEM_ACCOUNTS:
        return None
    return "house" if account_id == HOUSE else f"reserve:{account_id - HOUSE}"
