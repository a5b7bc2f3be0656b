"""Primitives: what all states say is what all schedules say, and what threads of this Python do."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from math import sqrt
from typing import Any, ClassVar

import pytest

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.concurrency.primitives import real, starving
from windtunnel.catalogue.concurrency.primitives.drafts import FirstDraft
from windtunnel.catalogue.concurrency.primitives.graph import Schedules
from windtunnel.catalogue.concurrency.primitives.kit import Kit, Turn, Who
from windtunnel.catalogue.concurrency.primitives.mended import Fitted, OneMonitor, SecondDraft
from windtunnel.catalogue.concurrency.primitives.model import Model, built
from windtunnel.catalogue.concurrency.primitives.rig import searched
from windtunnel.catalogue.concurrency.primitives.size import Sizes
from windtunnel.catalogue.concurrency.primitives.tasks import TASKS
from windtunnel.explore import DepthFirst, RandomWalk, replay, runs, states
from windtunnel.sim import Simulator

DESIGNS = (FirstDraft, SecondDraft, OneMonitor, Fitted)
SMALL = [(design, task) for task in TASKS for design in DESIGNS if task not in ("barrier", "rwlock")]


@pytest.mark.parametrize(("design", "task"), SMALL, ids=lambda one: getattr(one, "__name__", one))
def test_all_schedules_one_by_one_are_as_many_and_lose_as_often_as_the_ways_through_the_states(
    design: type, task: str
) -> None:
    found = searched(design, task, Sizes())
    lost = [failure is not None for _, failure in runs(Model(design, task, Sizes()), DepthFirst(), 1000)]
    assert (len(lost), sum(lost)) == (found["schedules"], found["losing"])
    assert found["in_order"] == lost.index(True) + 1 if any(lost) else not found["loses"]


@pytest.mark.parametrize(("design", "task"), [(d, t) for t in TASKS for d in DESIGNS], ids=lambda o: str(o)[-30:])
def test_a_reduction_finds_a_loss_where_the_states_have_one_and_nowhere_else(design: type, task: str) -> None:
    found = searched(design, task, Sizes())
    assert found["all_that_differ"]
    assert bool(found["reduced"]) == found["loses"]
    assert found["differ"] <= found["schedules"]


@pytest.mark.parametrize("design", DESIGNS)
def test_each_way_through_what_is_drawn_is_a_schedule_and_what_is_marked_is_the_smallest_that_loses(
    design: type,
) -> None:
    for task in TASKS:
        found = searched(design, task, Sizes())
        after: dict[str, list[tuple[str, str]]] = {}
        for here, there, _, which in found["drawn"]:
            after.setdefault(here, []).append((there, which))

        @cache
        def ways(here: str, came: str, after: dict[str, list[tuple[str, str]]] = after) -> tuple[int, int]:
            if here not in after:
                return 1, came in ("loses", "smallest loss")
            some = [ways(*step) for step in after[here]]
            return sum(all_ for all_, _ in some), sum(bad for _, bad in some)

        assert ways("0", "") == (found["schedules"], found["losing"])
        marked = [what for *_, what, which in found["drawn"] if which == "smallest loss"]
        assert marked == [" ".join(move) for move in found.get("moves", ())]


@pytest.mark.parametrize("task", TASKS)
def test_the_smallest_losing_schedule_loses_and_none_by_luck_has_fewer_switches(task: str) -> None:
    for design in (FirstDraft, SecondDraft):
        model = Model(design, task, Sizes())
        tape = [who for who, _ in searched(design, task, Sizes())["moves"]]
        failure = replay(model, tape)
        assert failure is not None
        assert list(failure.tape) == tape
        drawn = [lost.switches for _, lost in runs(model, RandomWalk(1), 40) if lost is not None]
        assert failure.switches <= min(drawn, default=99)


@pytest.mark.parametrize(
    ("design", "task", "share"),
    [
        (FirstDraft, "semaphore", 1 / 2),  # who breaks and who waits are as likely to be first
        (SecondDraft, "condition", 1 / 12),  # both takers first: 2/4 * 1/3; then who puts before who was woken: 1/2
        (SecondDraft, "barrier", 1 / 4),  # the last to come is twice faster: 1/2 * 1/2
        (FirstDraft, "rwlock", 7 / 8),  # right if one is four steps ahead: 1/2 ** 3
        (SecondDraft, "rwlock", 15 / 16),  # and five
        (FirstDraft, "rlock", 1.0),
    ],
)
def test_shares_by_luck_are_those_that_are_reckoned_by_hand(design: type, task: str, share: float) -> None:
    assert searched(design, task, Sizes())["by_luck"] == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("many", [150, pytest.param(1000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("design", [FirstDraft, SecondDraft])
def test_runs_drawn_by_luck_come_to_a_stop_or_end_with_an_error_as_often_as_the_states_say(
    design: type, task: str, many: int
) -> None:
    found = searched(design, task, Sizes())
    drawn = [lost for _, lost in runs(Model(design, task, Sizes()), RandomWalk(1), many)]
    stops = sum(lost is not None and lost.kind == "deadlock" for lost in drawn)
    raises = sum(lost is not None and " ends with " in lost.sentence for lost in drawn)
    four_deviations = 2 / sqrt(many)
    assert (stops / many, raises / many) == pytest.approx((found["stops"], found["raises"]), abs=four_deviations)
    assert found["stops"] + found["raises"] <= found["by_luck"] + 1e-12


def threads(*bodies: Callable[[], Any], kit: Kit) -> list[str]:
    """What is wrong at the end of each way to run these."""
    endings = []

    async def runs_as(name: str, body: Callable[[], Any]) -> None:
        Who.runs = name
        try:
            await body()
        except Exception as error:
            kit.wrong = str(error)

    for i, body in enumerate(bodies):
        program = runs_as("ABC"[i], body)
        step: Any = next(program.__await__(), None)
        while isinstance(step, Turn) and step.done():
            try:
                step = program.send(None)
            except StopIteration:
                break
        program.close()
        endings.append(kit.wrong)
    return endings


def test_what_a_lock_guards_cannot_be_touched_without_it() -> None:
    kit = Kit(Simulator(0))
    lock = kit.lock("a lock", here=0)

    async def touches() -> None:
        lock.here += 1

    assert threads(touches, kit=kit) == ["A touches here without a lock."]
    with pytest.raises(AttributeError, match="guards no there"):
        lock.there = 1
    with pytest.raises(AttributeError, match="has take of its own"):
        kit.lock("another", take=1)


def test_primitives_refuse_what_those_of_threading_refuse() -> None:
    kit = Kit(Simulator(0))
    lock, permits, reentrant = kit.lock("a lock"), kit.bounded_semaphore("a permit", 1), kit.rlock("another")
    assert threads(kit.condition("a change", lock).wait, kit=kit) == [
        "A condition is waited for, and notified, with its lock in hand."
    ]
    kit = Kit(Simulator(0))
    assert threads(kit.lock("a lock").release, kit=kit) == ["A lock is let go that nobody has."]
    permits.kit = reentrant.__dict__["_kit"] = kit = Kit(Simulator(0))
    assert threads(permits.release, kit=kit) == ["A permit is given back that nobody took."]
    kit.wrong = ""
    assert threads(reentrant.release, kit=kit) == ["A reentrant lock is let go by who has it."]


class Box:
    """Something of the design's own."""

    many = 0


class Forgets(Fitted):
    """Counts beside the lock, in one of many places."""

    where = "list"
    shelf: ClassVar[list[int]] = []

    def bell(self, kit: Any) -> None:
        super().bell(kit)
        self.heard: list[int] = []
        self.box = Box()
        self.boxes = ({"one": self.heard}, Box())
        self.kit = kit

    async def announce(self, jobs: Any, job: str) -> None:
        self.hide(jobs)
        await super().announce(jobs, job)

    def hide(self, jobs: Any) -> None:
        self.heard.append(1)


class InABox(Forgets):
    def hide(self, jobs: Any) -> None:
        self.box.many += 1


class InATuple(Forgets):
    def hide(self, jobs: Any) -> None:
        self.boxes[1].many += 1


class OnTheKit(Forgets):
    def hide(self, jobs: Any) -> None:
        self.kit.heard = 1


class OnAPrimitive(Forgets):
    def hide(self, jobs: Any) -> None:
        self.rung.heard = 1


class OnTheWorld(Forgets):
    def hide(self, jobs: Any) -> None:
        jobs.heard = 1


class OnTheClass(Forgets):
    def hide(self, jobs: Any) -> None:
        type(self).shelf = [*self.shelf, 1]


class InAListOfTheClass(Forgets):
    def hide(self, jobs: Any) -> None:
        self.shelf.append(1)


class InADefault(Forgets):
    def hide(self, jobs: Any, heard: list[int] = []) -> None:  # noqa: B006  # that is what is tried
        heard.append(1)


class InAClosure(Forgets):
    def bell(self, kit: Any) -> None:
        super().bell(kit)
        heard = 0

        def hear() -> None:
            nonlocal heard
            heard += 1

        self.hear = hear

    def hide(self, jobs: Any) -> None:
        self.hear()


HEARD = [0]


class InAGlobal(Forgets):
    def hide(self, jobs: Any) -> None:
        HEARD[0] += 1


def hears() -> None:
    """Count, for whoever calls."""
    HEARD.append(1)


class InAFunction(Forgets):
    def hide(self, jobs: Any) -> None:
        hears()


class AtItsEnd(Fitted):
    """Changes what it keeps when no step comes any more, and keeps in its frame what it changes."""

    async def announce(self, jobs: Any, job: str, heard: list[int] = []) -> None:  # noqa: B006  # that is what is tried
        await super().announce(jobs, job)
        heard.append(1)


HIDES = (
    *(Forgets, InABox, InATuple, OnTheKit, OnAPrimitive, OnTheWorld, OnTheClass, InAListOfTheClass),
    *(InADefault, InAClosure, InAGlobal, InAFunction, AtItsEnd),
)


@pytest.mark.parametrize("design", HIDES)
def test_what_a_design_keeps_beside_its_locks_is_seen(design: type) -> None:
    found = searched(design, "event", Sizes())
    assert found["loses"]
    assert "changes what the design keeps, and no lock guards it" in found["sentence"]


def test_what_a_design_changes_is_put_back_so_that_each_run_begins_alike() -> None:
    class Everywhere(Forgets):
        heard_of: ClassVar[dict[str, int]] = {}
        names: ClassVar[set[str]] = set()
        line: ClassVar[deque[str]] = deque(["first"])

        def hide(self, jobs: Any, heard: list[int] = [0]) -> None:  # noqa: B006  # that is what is tried
            heard.append(1)
            self.heard_of["one"] = 1
            self.names.add("one")
            self.line.append("one")
            HEARD.append(1)
            type(self).where = "elsewhere"
            type(self).new = 1  # type: ignore[attr-defined]

    before = dict(vars(Everywhere))
    found = searched(Everywhere, "event", Sizes())
    assert (found["loses"], found["complete"]) == (True, True)
    assert Everywhere.hide.__defaults__ == ([0],)
    assert (Everywhere.heard_of, Everywhere.names, list(Everywhere.line), HEARD) == ({}, set(), ["first"], [0])
    assert dict(vars(Everywhere)) == before
    assert Everywhere.where == "list"


@pytest.mark.parametrize("value", [[], {}, set(), (1, []), Box(), (("a",), {1: 2})])
def test_a_lock_guards_nothing_that_could_be_kept_and_changed_without_it(value: Any) -> None:
    kit = Kit(Simulator(0))
    with pytest.raises(TypeError, match="A lock guards numbers, words and tuples"):
        kit.lock("a lock", here=value)
    lock = kit.lock("a lock", here=0)
    with pytest.raises(TypeError, match="A lock guards numbers, words and tuples"):
        lock.here = value


class LooksBefore(Fitted):
    """Looks whether there is enough before it has the locks."""

    async def move(self, bank: Any, source: str, target: str, amount: int) -> None:
        if await bank.read(source) < amount:
            raise Refused("There is not enough.")
        first, second = sorted((source, target))
        async with self.locks[first], self.locks[second]:
            await bank.write(source, await bank.read(source) - amount)
            await bank.write(target, await bank.read(target) + amount)


class RefusesAll(Fitted):
    """Moves nothing."""

    async def move(self, bank: Any, source: str, target: str, amount: int) -> None:
        raise Refused("There is not enough.")


class Swallows(Fitted):
    """Gives the permit back, and tells nobody that the connection broke."""

    async def use(self, pool: Any, wait: bool, breaks: bool) -> None:
        with suppress(ConnectionError):
            await super().use(pool, wait, breaks)


class Reaches(Fitted):
    """Adds a job by the list that the rig keeps, which is no step."""

    async def announce(self, jobs: Any, job: str) -> None:
        jobs.waiting.append(job)
        await self.rung.set()


@pytest.mark.parametrize(
    ("design", "task", "sentence"),
    [
        (LooksBefore, "lock", "There should be .* and there is .*-5"),
        (RefusesAll, "lock", "There should be"),
        (Swallows, "semaphore", "its user is not told"),
        (Reaches, "event", "AttributeError"),
    ],
)
def test_what_passed_once_and_was_wrong_loses(design: type, task: str, sentence: str) -> None:
    found = searched(design, task, Sizes())
    assert found["loses"]
    assert re.search(sentence, found["sentence"])


class Waits(Fitted):
    """Who does not want to wait waits all the same."""

    async def use(self, pool: Any, wait: bool, breaks: bool) -> None:
        await super().use(pool, True, breaks)


class Never(Fitted):
    """Who does not want to wait is not served."""

    async def use(self, pool: Any, wait: bool, breaks: bool) -> None:
        if wait:
            await super().use(pool, wait, breaks)


def test_who_does_not_want_to_wait_is_served_or_goes() -> None:
    right = [(OneMonitor, 1), (Fitted, 1)]
    assert all(searched(design, "semaphore", Sizes(places))["hurried"] for design, places in right)
    for design in (Waits, Never):
        found = searched(design, "semaphore", Sizes())
        assert not found["loses"]
        assert not found["hurried"]


@pytest.mark.soak
def test_with_two_permits_as_well_who_does_not_want_to_wait_is_served_or_goes() -> None:
    assert searched(Fitted, "semaphore", Sizes(2))["hurried"]


class Spins(Fitted):
    """Asks for a permit again and again."""

    async def use(self, pool: Any, wait: bool, breaks: bool) -> None:
        while not await self.free.acquire(blocking=False):
            if not wait:
                return
        try:
            await pool.use(breaks)
        finally:
            await self.free.release()


def test_who_asks_again_and_again_has_no_end_of_schedules() -> None:
    found = searched(Spins, "semaphore", Sizes())
    assert found["spins"]
    assert not found["loses"]
    assert found["differ"] == 0
    every = Schedules(states(lambda sim: built(Spins, "semaphore", Sizes(), sim)[1:]))
    assert every.endless
    assert every.all != every.all


@pytest.mark.soak
def test_a_turnstile_of_locks_without_an_order_leaves_a_writer_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert starving.shut_out(Fitted, 2, 1)[1]["writer 1"] is None
    monkeypatch.setattr(starving, "Kit", lambda sim, orderly: Kit(sim, orderly=False))
    assert starving.shut_out(Fitted, 2, 1)[1]["writer 1"] is not None


@pytest.mark.parametrize("task", ["lock", "rlock"])
@pytest.mark.parametrize("design", DESIGNS)
def test_threads_of_this_python_lose_what_the_model_loses_and_replay_it(design: type, task: str) -> None:
    found = real.found_in(design, task, Sizes(), 100)
    expected = searched(design, task, Sizes())
    assert found["found"] == found["replays"] == expected["loses"]
    if not expected["loses"]:
        assert found["proved"]
        assert found["schedules"] == expected["differ"]


@pytest.mark.live
@pytest.mark.parametrize("task", ["semaphore", "condition", "event", "barrier", "rwlock"])
@pytest.mark.parametrize("design", DESIGNS)
def test_threads_of_this_python_agree_in_all_tasks(design: type, task: str) -> None:
    found = real.found_in(design, task, Sizes(), 400)
    expected = searched(design, task, Sizes())
    assert found["found"] == found["replays"] == expected["loses"]
    assert found["proved"] != expected["loses"]


def test_the_text_without_await_has_none_and_no_step_of_the_model() -> None:
    space = real.plain(real.drafts)
    move = space["FirstDraft"].move
    assert not move.__code__.co_flags & 0x80, "no coroutine"
    assert "touch" not in real.plain(real.worlds)["Pool"].use.__code__.co_names
