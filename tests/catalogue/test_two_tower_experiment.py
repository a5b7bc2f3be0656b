"""two-tower: the law bounds what is found, what is told is judged, and designs know no more than pairs."""

from __future__ import annotations

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from windtunnel import Event, History
from windtunnel.catalogue.ai.two_tower import Params, experiment, workload
from windtunnel.catalogue.ai.two_tower.designs import AddedBack, MostTaken, ThroughGraph, TwoStages
from windtunnel.catalogue.ai.two_tower.judging import measure
from windtunnel.catalogue.ai.two_tower.rig import PARTS, Rig
from windtunnel.catalogue.ai.two_tower.tuning import BATCHES, Log, choices, found, tuned
from windtunnel.catalogue.ai.two_tower.world import CHECKED, TESTED, world

SMALL = Params(users=60, items=80, history=8, k=10, dim=6, epochs=4)
STAGE: Any = SimpleNamespace(sim=None)


def rig(design: Any, p: Params = SMALL, seed: int = 5) -> Rig:
    made = Rig(design(STAGE, p), STAGE, p)
    asyncio.run(made.fit(seed, 1))
    return made


def log(p: Params = SMALL, seed: int = 5) -> Log:
    return Rig(None, STAGE, p).log(world(seed, p), 1)


def test_a_world_is_drawn_by_its_law_and_nobody_takes_twice() -> None:
    p = Params(users=1500, items=60, history=4, latent=2, taste=0.0)
    made = world(3, p)
    assert all(len(set(row.tolist())) == len(row) for row in made.taken)
    law = made.law[0] / made.law[0].sum()
    first = np.bincount(made.taken[:, 0], minlength=60) / 1500
    assert np.abs(first - law).max() < 4 * np.sqrt(law.max() / 1500)
    assert np.corrcoef(first, law)[0, 1] > 0.97


def test_what_is_judged_by_is_in_nothing_that_a_design_is_told() -> None:
    told, made = log(), world(5, SMALL)
    known = {tuple(pair) for pair in np.concatenate([told.train, told.check]).tolist()}
    later = {tuple(pair) for pair in made.pairs(SMALL.history + CHECKED, SMALL.history + CHECKED + TESTED).tolist()}
    assert not known & later
    assert len(known) + len(later) == SMALL.users * (SMALL.history + CHECKED + TESTED)
    assert not any(isinstance(one, type(made)) for one in vars(told).values())


class Liar(MostTaken):
    """Says what it is told to say."""

    says: Any = None

    def recommend(self, users: Any, k: int) -> Any:
        return self.says


def test_what_is_told_is_judged_and_not_believed() -> None:
    made, here = rig(Liar), world(5, SMALL)
    users = np.arange(15)
    told = np.full((15, 10), -1)
    told[0, :4] = here.taken[0, -TESTED:]
    told[1, :3] = [here.taken[1, 0], here.taken[1, SMALL.history], 80]
    told[2, :2] = here.taken[2, -1]
    made.design.says = told
    answer = asyncio.run(made.recommend(5, 0))
    assert (answer.users, sum(answer.found), sum(answer.tested)) == (15, 5, 60)
    assert (answer.again, answer.twice, answer.foreign, answer.leaked) == (2, 1, 1, 0)
    law = here.law.copy()
    for user in range(15):
        law[user, here.taken[user, : SMALL.history + CHECKED]] = 0
    law /= law.sum(axis=1, keepdims=True)
    assert answer.chance == pytest.approx(law[0, here.taken[0, -TESTED:]].sum() + law[2, here.taken[2, -1]])
    assert answer.bound == pytest.approx(np.sort(law[users], axis=1)[:, -10:].sum())
    made.design.says = told.astype(float)
    with pytest.raises(TypeError, match="whole numbers"):
        asyncio.run(made.recommend(5, 0))


def test_who_knows_the_law_reaches_the_bound_and_nobody_more() -> None:
    made, here = rig(Liar), world(5, SMALL)
    law = here.law.copy()
    law[np.arange(60)[:, None], here.taken[:, : SMALL.history + CHECKED]] = -1
    made.design.says = np.argsort(-law, axis=1, kind="stable")[:15, :10]
    answer = asyncio.run(made.recommend(5, 0))
    assert answer.chance == pytest.approx(answer.bound)
    assert sum(answer.found) == answer.oracle


def test_popularity_is_what_the_rig_says_of_it() -> None:
    answer = asyncio.run(rig(MostTaken).recommend(5, 1))
    assert sum(answer.found) == answer.popular
    assert answer.chance == pytest.approx(answer.popular_chance)


def test_choices_are_as_many_for_each_way_and_each_sees_the_same_pairs() -> None:
    assert len(choices(False, False)) == len(choices(True, False)) == len(choices(True, True))
    assert {one.batch for one in choices(True, True)} == {BATCHES[0]}
    for mixed in (False, True):
        model, choice = tuned(log(), True, mixed)
        assert model.epochs == SMALL.epochs
        assert (choice.negatives > 0) == mixed


def test_the_graph_finds_what_all_inner_products_find() -> None:
    p = Params(users=60, items=80, history=8, k=10, dim=6, epochs=4, ef=80)
    exact, graph = rig(AddedBack, p), rig(ThroughGraph, p)
    users = np.arange(60)
    one, other = exact.design.recommend(users, 10), graph.design.recommend(users, 10)
    same = [len(set(a) & set(b)) for a, b in zip(one.tolist(), other.tolist(), strict=True)]
    assert np.mean(same) > 9.8
    assert graph.design.sums > 0


def test_the_ranker_orders_candidates_of_the_towers() -> None:
    made = rig(TwoStages)
    users = np.arange(60)
    told = made.design.recommend(users, 10)
    candidates = made.design.model.recommend(users, 30, seen=made.design.log.seen)
    assert all(set(a) <= set(b) for a, b in zip(told.tolist(), candidates.tolist(), strict=True))
    near = made.design.near.model.scores(users)
    np.testing.assert_allclose(
        made.design.facts(users, candidates)[:, :, 2], np.take_along_axis(near, candidates, 1), rtol=1e-9
    )


def test_found_counts_pairs() -> None:
    told = np.array([[3, 1, -1], [0, 2, 1]])
    assert found(told, np.array([[0, 1], [0, 2], [1, 2], [1, 3]]), 4) == 2


@pytest.mark.parametrize("name", experiment.designs)
def test_each_design_tells_new_items_once_whoever_asks_and_in_whatever_order(name: str) -> None:
    made = rig(experiment.designs[name])
    users = np.arange(60)
    together = made.design.recommend(users, 10)
    alone = np.concatenate([made.design.recommend(users[at : at + 1], 10) for at in (7, 3)])
    assert alone.tolist() == together[[7, 3]].tolist()
    events = []
    for op in workload(SMALL, Random(5)):
        if op.name != "fit":
            value = asyncio.run(getattr(made, op.name)(5, *op.args[1:]))
            events.append(Event("client", op.name, op.args, 0.0, 0.0, "ok", value))
    said = measure(History(events), SMALL)
    assert said["wrong"] == 0
    assert 0 < said["of_bound"] < 1
    assert len(events) == PARTS + 1
