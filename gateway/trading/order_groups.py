"""Order groups: a market maker's protection against being filled too much too fast.

    GET  /order-groups                 one's groups, and what counts in each now
    POST /order-groups {groupId, ...}  make one, or give it other limits, which bind at once
    POST /order-groups/{id}/reset      let one that was triggered take orders again

Laws: what counts and what ends is the engine's alone (`exchange/rules/groups/`); here it is only
shown, from the view, as of its last command. A reset goes by the cancels' lane and counts as a
cancel: nobody's own orders can starve it.
"""

import enum
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import GROUP_WINDOW
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.model.order_groups import OrderGroup
from exchange.model.state import State
from exchange.rules.groups.administering import group_problem
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.engine_side.refusals import accepted
from gateway.http.paging import LimitText, SliceQuery, slice_of
from gateway.http.request import AsOf, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.trading.order_bodies import ClientIdText, GroupIdText, check_client_id
from gateway.trading.views import read_mark
from gateway.wire import strict_json
from gateway.wire.errors import (
    NotFound,
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.scalars import quantity_text
from gateway.wire.strict_json import AnswerStruct, BodyStruct, QuantityText, SharesText, not_given
from persistence.loop.ports import Answer, CommandPort

_COMMAND_ERRORS: Final = (NotFound, Refused, Unavailable, UnknownOutcome)

WindowSeconds = Annotated[
    int,
    msgspec.Meta(
        ge=GROUP_WINDOW[0],
        le=GROUP_WINDOW[1],
        description="seconds of the engine's time in which fills count",
    ),
]


class GroupStatus(enum.Enum):
    """Whether a group takes orders: TRIGGERED, it takes none until it is reset."""

    ACTIVE = "ACTIVE"
    TRIGGERED = "TRIGGERED"


class OrderGroupBody(BodyStruct, frozen=True):
    """A group's limits. Within `windowSeconds` its orders fill less than `maxFilled` shares, or it
    is triggered; `maxNet` bounds in the same way by how much more they buy than sell, or sell than
    buy, in terms of YES, over all markets.
    """

    group_id: GroupIdText
    max_filled: SharesText
    window_seconds: WindowSeconds
    max_net: QuantityText = not_given()


class OrderGroupView(AnswerStruct, frozen=True):
    """One of one's groups. `filled` and `net` are what counts at `asOfSeq`, in shares; `net` is
    below zero if more was sold than bought, in terms of YES.
    """

    group_id: str
    status: GroupStatus
    max_filled: str
    max_net: str | None
    window_seconds: int
    filled: str
    net: str
    open_orders: int


class GroupsQuery(SliceQuery, frozen=True):
    """Which part of the list, which is sorted by name."""

    limit: LimitText | None = None
    cursor: ClientIdText | None = None


def order_group_view(group: OrderGroup, at: int) -> OrderGroupView:
    """Return a group as its owner sees it at a time (microseconds)."""
    filled, net = group.counted_at(at)
    sign = "-" if net < 0 else ""
    return OrderGroupView(
        group.name,
        GroupStatus.TRIGGERED if group.triggered else GroupStatus.ACTIVE,
        quantity_text(group.max_filled),
        None if group.max_net is None else quantity_text(group.max_net),
        group.window,
        quantity_text(filled),
        sign + quantity_text(abs(net)),
        len(group.orders),
    )


def group_command(body: OrderGroupBody, account_id: int) -> SetOrderGroup:
    """Return the command that a body stands for; raises ValidationFailed naming the field."""
    max_net = None
    if strict_json.is_given(body.max_net):
        max_net = strict_json.quantity(body.max_net, "maxNet")
    command = SetOrderGroup(
        account_id,
        check_client_id(body.group_id, "groupId"),
        strict_json.quantity(body.max_filled, "maxFilled"),
        body.window_seconds,
        max_net,
    )
    problem = group_problem(command)
    if problem is not None:
        raise ValidationFailed.of(*problem)
    return command


class OrderGroupRoutes:
    """Makes, changes, resets and shows groups."""

    def __init__(self, commands: CommandPort, view: State, pages: PageLimits) -> None:
        self._commands = commands
        self._view = view
        self._pages = pages

    async def set(self, request: Request[OrderGroupBody, None]) -> OrderGroupView:
        """Make a group of the caller's, or give it other limits."""
        command = group_command(request.body, request.user_id)
        answered = self._commands.submit(command)
        return self._shown(await answered, command.name, request.user_id)

    async def reset(self, request: Request[None, None]) -> OrderGroupView:
        """Let a group of the caller's begin anew."""
        name = check_client_id(request.path["id"], "groupId")
        answered = self._commands.submit(ResetOrderGroup(request.user_id, name))
        return self._shown(await answered, name, request.user_id)

    async def list_groups(self, request: Request[None, GroupsQuery]) -> AsOf[Slice[OrderGroupView]]:
        """Return a slice of the caller's groups, by name."""
        query, view = request.query, self._view
        mark, limit = read_mark(view, request.user_id), query.size(self._pages)
        after = query.cursor or ""
        groups = view.groups.get(request.user_id, {})
        found = [groups[name] for name in sorted(groups) if name > after]
        show = slice_of(
            found[: limit + 1],
            limit,
            lambda group: order_group_view(group, view.now),
            lambda group: group.name,
        )
        return mark.on(show)

    def _shown(self, answer: Answer, name: str, account_id: int) -> OrderGroupView:
        """Tell of a group as the view has it, which the answer's command has reached by now."""
        accepted(answer)
        return order_group_view(self._view.groups[account_id][name], self._view.now)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/order-groups",
                handler=self.list_groups,
                access=Access.USER,
                scope=Scope.READ,
                query=GroupsQuery,
                answer=OrderGroupView,
                shape=Shape.SLICE,
                summary="List one's order groups, and what counts in each now",
                tag="orders",
                of_account=True,
            ),
            Route(
                method="POST",
                path="/order-groups",
                handler=self.set,
                access=Access.USER,
                scope=Scope.TRADE,
                body=OrderGroupBody,
                answer=OrderGroupView,
                errors=_COMMAND_ERRORS,
                summary="Make an order group, or give it other limits, which bind at once",
                tag="orders",
            ),
            Route(
                method="POST",
                path="/order-groups/{id}/reset",
                handler=self.reset,
                access=Access.USER,
                scope=Scope.TRADE,
                answer=OrderGroupView,
                errors=_COMMAND_ERRORS,
                budget=Budget.CANCEL,
                summary="Let a triggered order group take orders again",
                tag="orders",
            ),
        )
