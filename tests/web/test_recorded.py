"""What a real machine was seen to do: the spans of a result, for its player (`test_recorded_player.py`)."""

from __future__ import annotations

import pytest

from windtunnel.lab.discovery import find, modules
from windtunnel.web import store
from windtunnel.web.recorded import recorded

MEASURED = [name for name in modules() if find(name).measured]


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_measured_on_the_machine_has_spans_of_both_designs_that_are_seen(name: str) -> None:
    experiment = find(name)
    result = store.committed_result(experiment)
    assert result is not None
    found = recorded(result, experiment)
    assert found is not None
    assert {next(iter(result.designs)), list(result.designs)[-1]} <= set(found["designs"])
    assert "Recorded on " in found["told"]
    for one in found["designs"].values():
        assert {row[0] for row in one["rows"]} == set(one["lanes"])
        assert all(0 <= begin <= end for _, begin, end, _ in one["rows"])


def test_what_takes_time_in_the_tunnel_is_not_played_as_a_recording() -> None:
    experiment = find("dining-philosophers")  # which has a chart of spans too
    assert recorded(store.committed_result(experiment), experiment) is None
    experiment = find("primitives")  # in which nothing takes time
    found = recorded(store.committed_result(experiment), experiment)
    assert found is not None
    assert (found["unit"], found["told"]) == ("step", "Recorded step by step")
    assert recorded(None, find("gil-convoy")) is None
