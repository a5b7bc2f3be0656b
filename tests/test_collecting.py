"""Runs look for garbage rarely, and leave the collector as they found it."""

from __future__ import annotations

import gc

import pytest

from windtunnel.collecting import collecting_rarely


def test_the_collector_is_left_as_it_was() -> None:
    usual = gc.get_threshold()  # in tests it looks rarely too
    before = (700, 10, 10)
    gc.set_threshold(*before)
    with pytest.raises(KeyError), collecting_rarely():
        assert gc.get_threshold()[0] > before[0]
        raise KeyError
    assert gc.get_threshold() == before
    gc.set_threshold(*usual)
