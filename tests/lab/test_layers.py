"""A graph in layers: the most steps to each place, and near those that lead to it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, strategies as st

from windtunnel.lab.layers import layers

steps = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=30)


@given(steps)
def test_every_place_stands_once_a_layer_after_one_that_leads_to_it(found: list[tuple[str, str]]) -> None:
    drawn = layers(found)
    assert sorted(name for layer in drawn for name in layer) == sorted({name for step in found for name in step})
    for earlier, layer in pairwise(drawn):
        assert all(any((before, name) in found for before in earlier) for name in layer)


@given(steps)
def test_where_there_is_no_circle_all_steps_lead_on(found: list[tuple[str, str]]) -> None:
    onward = [(min(step), max(step)) for step in found if step[0] != step[1]]
    depth = {name: i for i, layer in enumerate(layers(onward)) for name in layer}
    assert all(depth[here] < depth[there] for here, there in onward)


def test_who_is_led_to_from_above_stands_above() -> None:
    crossed = [("a", "b"), ("a", "c"), ("c", "d"), ("b", "e"), ("c", "f"), ("b", "g")]
    assert layers(crossed) == [["a"], ["b", "c"], ["e", "g", "d", "f"]]


def test_a_circle_begins_where_it_is_met_first_and_nothing_has_no_layers() -> None:
    assert layers([("a", "b"), ("c", "a"), ("b", "c"), ("c", "d")]) == [["a"], ["b"], ["c"], ["d"]]
    assert layers([]) == []
