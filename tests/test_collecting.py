"""Runs look for garbage rarely, and leave the collector as they found it."""

from __future__ import annotations

import gc

import pytest

from windtunnel.collecting import collecting_rarely


def test_the_collector_is_left_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError), collecting_rarely():
        assert gc.get_threshold()[0] > before[0]
        raise KeyError
    assert gc.get_threshold() == before
