"""Coming to a position by taking what the other side of the book offers at its best price."""

from gateway.research.strategy import Book, Desk


def move_to(desk: Desk, book: Book, target: int) -> None:
    """Send an order towards a position of `target` (quantity units, YES less NO).

    One at a time, at the best price and for no more than is there: what is left is a matter for the
    next book. An order that didn't trade is cancelled first.
    """
    open_orders = desk.open_orders(book.market)
    if open_orders:
        for order in list(open_orders.values()):
            desk.cancel(order.number)
        return
    missing = target - desk.position(book.market).net
    if missing > 0 and book.asks:
        best = book.asks[0]
        quantity = min(missing, best.quantity, desk.cash // best.price)
        if quantity > 0:
            desk.bid(book.market, best.price, quantity)
    elif missing < 0 and book.bids:
        best = book.bids[0]
        quantity = min(-missing, best.quantity)
        if quantity > 0:
            desk.ask(book.market, best.price, quantity)
