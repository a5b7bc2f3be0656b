"""A stored block comes back whole or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal


@given(st.dictionaries(st.sampled_from("abcd"), st.integers() | st.floats(0, 1)), st.binary())
def test_what_was_sealed_is_what_is_read(header: dict[str, int | float], payload: bytes) -> None:
    assert unseal("thing", 1, seal("thing", 1, header, payload)) == (header, payload)


def test_every_flipped_bit_and_every_lost_byte_is_noticed() -> None:
    blob = seal("thing", 1, {"size": 3}, b"abc")
    for at in range(len(blob)):
        for bit in range(8):
            torn = bytearray(blob)
            torn[at] ^= 1 << bit
            with pytest.raises(DamagedError):
                unseal("thing", 1, bytes(torn))
        with pytest.raises(DamagedError):
            unseal("thing", 1, blob[:at])
    with pytest.raises(DamagedError, match="should have"):
        unseal("thing", 1, blob + b"\0")


def test_another_kind_and_another_version_are_told_apart() -> None:
    blob = seal("thing", 2, {}, b"")
    with pytest.raises(DamagedError, match="another kind"):
        unseal("other", 2, blob)
    with pytest.raises(DamagedError, match="version 2"):
        unseal("thing", 1, blob)
