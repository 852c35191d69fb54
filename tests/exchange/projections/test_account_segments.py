"""Where segments end, and how their commands are written."""

import random

from exchange.projections.account_segments import (
    SEGMENT_MESSAGES,
    SEGMENT_MESSAGES_MAX,
    decode_commands,
    encode_commands,
    is_full,
)


def test_commands_come_back_as_they_were_written() -> None:
    rng = random.Random(1)
    for _ in range(200):
        after = rng.randrange(0, 2**40)
        seqs = [after := after + rng.choice((1, 2, 127, 128, 129, 300_000, 2**33)) for _ in "12345"]
        first = seqs[0] - 1
        encoded = encode_commands(first, seqs)
        assert decode_commands(first, encoded) == seqs
        # A segment grows command by command.
        grown = b"".join(
            encode_commands(before, [seq])
            for before, seq in zip([first, *seqs], seqs, strict=False)
        )
        assert grown == encoded
    assert decode_commands(7, b"") == []


def test_a_command_right_after_the_one_before_costs_a_byte() -> None:
    assert len(encode_commands(10**9, range(10**9 + 1, 10**9 + 257))) == 256


def test_a_segment_outweighs_its_image_up_to_a_bound() -> None:
    assert not is_full(SEGMENT_MESSAGES - 1, 0)
    assert is_full(SEGMENT_MESSAGES, 0)
    assert not is_full(SEGMENT_MESSAGES, 400)
    assert is_full(SEGMENT_MESSAGES + 100, 400)
    assert not is_full(SEGMENT_MESSAGES_MAX - 1, 10**6)
    assert is_full(SEGMENT_MESSAGES_MAX, 10**6)
