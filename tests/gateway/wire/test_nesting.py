"""The depth of a JSON text is told as its parser would find it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.nesting import deeper_than


@given(
    st.recursive(st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_the_depth_of_a_text_is_that_of_its_value(value: object) -> None:
    def depth(of: object) -> int:
        if isinstance(of, dict):
            return 1 + max(map(depth, of.values()), default=0)
        return 1 + max(map(depth, of), default=0) if isinstance(of, list) else 0

    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        body = text.encode("utf-8", "surrogatepass")
        assert not deeper_than(body, depth(value))
        assert depth(value) == 0 or deeper_than(body, depth(value) - 1)


@pytest.mark.parametrize("before", range(8))
def test_a_long_text_is_looked_at_in_slices_that_cut_nothing(before: int) -> None:
    filler = '\\"[' * 30_000 + "\\" * 70_000
    text = " " * before + "[[" + json.dumps(filler) + ",{" + json.dumps(filler) + ":[]}]]"
    assert json.loads(text)
    assert deeper_than(text.encode(), 3)
    assert not deeper_than(text.encode(), 4)


def test_brackets_in_texts_hide_nothing() -> None:
    text = "[" * 20 + json.dumps('\\"]]]]\\\\') + "]" * 20
    assert json.loads(text)
    assert deeper_than(text.encode(), 19)
    assert not deeper_than(text.encode(), 20)
