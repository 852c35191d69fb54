"""Numbers as decimal text on the wire, remembered: the same few come again and again.

An order's price is one of a market's ticks, most quantities are round, and a balance is told in
an answer and in a message. The forms are `exchange.messages.units`'.
"""

from functools import lru_cache
from typing import Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.units import format_money, format_price, format_quantity

_REMEMBERED: Final = 8_192

price_text: Final = lru_cache(PRICE_SCALE)(format_price)
quantity_text: Final = lru_cache(_REMEMBERED)(format_quantity)
money_text: Final = lru_cache(_REMEMBERED)(format_money)
