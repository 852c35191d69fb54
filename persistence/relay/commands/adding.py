"""How entries get into the stream of an engine: in one step of Redis, within its bound.

A stream that its engine hasn't made, or that is full, takes nothing, nor does a Redis that may not
write (its memory is used up, its disk full, another one leads): then nothing was entered for
certain. Only an answer that is lost leaves that open.
"""

from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from redis.asyncio import Redis

# Nothing else gets in between the look and the entries. An entry that doesn't fit is an empty
# answer, and so are all behind it; no stream, no answers. An error is of the first entry.
_ADD: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local length, bound, taken = redis.call('XLEN', KEYS[1]), tonumber(ARGV[1]), {}
for number = 2, #ARGV do
    taken[number - 1] = ''
    if length < bound then
        local id = redis.pcall('XADD', KEYS[1], '*', 'c', ARGV[number])
        if not id.err then
            taken[number - 1], length = id, length + 1
        elseif number == 2 then
            return id
        else
            bound = 0
        end
    end
end
return taken
"""


class Adding:
    """Adds entries over one connection."""

    def __init__(self, client: "Redis", bound: int) -> None:
        """Add to streams of at most `bound` entries; `prepare` is still to come."""
        self._client = client
        self._bound = str(bound)
        self._script = ""

    async def prepare(self) -> None:
        """Hand Redis the script; raises one of `messages.FAILURES`."""
        self._script = await self._client.script_load(_ADD)

    async def add(self, key: str, bodies: list[bytes]) -> list[bytes]:
        """Return the new entries' ids, in order: empty for one that didn't fit, none at all without
        the stream.

        Raises one of `messages.FAILURES`: they may have been added. By a ResponseError, which is
        one, Redis refuses all of them.
        """
        arguments: Any = (1, key, self._bound, *bodies)
        taken: Any
        try:
            taken = await self._client.evalsha(self._script, *arguments)
        except NoScriptError:
            # Redis has run nothing: it has forgotten its scripts.
            taken = await self._client.eval(_ADD, *arguments)
        found: list[bytes] = taken
        return found
