"""More of `thread_puzzles`: what is shared goes to the standard library, to C code, or behind a protocol."""

from __future__ import annotations

import array
import bisect
import collections
import contextlib
import copy
import enum
import functools
import heapq
import io
import itertools
import json
import operator
import random
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from helpers.thread_puzzles import Box, Made, both, equals, puzzle

level = 0
_DEFAULTS: list[int] = []


def _filled(change: Callable[[list[int]], object]) -> Made:
    """One thread changes a list in two calls, another must see neither or both."""
    items: list[int] = []

    def fill() -> None:
        change(items)
        change(items)

    def look() -> None:
        assert len(items) != 1

    return {"fill": fill, "look": look}, None


def _once(look: Callable[[dict[str, int]], object]) -> Made:
    """What is made once, by a look that is no step with the making."""
    known: dict[str, int] = {}
    made: list[int] = []

    def make() -> None:
        if not look(known):
            made.append(1)
            known["x"] = 1

    return both(make), equals(lambda: made, [1])


@puzzle(wrong=True)
def a_heap() -> Made:
    return _filled(lambda items: heapq.heappush(items, 1))


@puzzle(wrong=True)
def a_sorted_insertion() -> Made:
    return _filled(lambda items: bisect.insort(items, 1))


@puzzle(wrong=True)
def an_operator_of_the_module() -> Made:
    return _filled(lambda items: operator.iadd(items, [1]))


@puzzle(wrong=True)
def a_slice_that_is_assigned() -> Made:
    def change(items: list[int]) -> None:
        items[len(items) :] = [1]

    return _filled(change)


@puzzle(wrong=True)
def an_unbound_method() -> Made:
    return _filled(lambda items: list.append(items, 1))


@puzzle(wrong=True)
def a_method_that_was_kept() -> Made:
    items: list[int] = []
    add, count = items.append, items.__len__

    def fill() -> None:
        add(1)
        add(1)

    def look() -> None:
        assert count() != 1

    return {"fill": fill, "look": look}, None


@puzzle(wrong=True)
def a_shuffle_in_python_of_the_library() -> Made:
    items = [1, 2]

    def mix() -> None:
        random.Random(1).shuffle(items)
        items.append(3)

    def look() -> None:
        assert len(items) == 3 or items == [1, 2]

    return {"mix": mix, "look": look}, None


@puzzle(wrong=True)
def a_deep_copy() -> Made:
    return _once(lambda known: copy.deepcopy({"inner": [known]})["inner"][0])


@puzzle(wrong=True)
def a_json_document() -> Made:
    return _once(lambda known: "x" in json.dumps([{"deep": known}]))


@puzzle(wrong=True)
def a_chain_map() -> Made:
    return _once(lambda known: "x" in collections.ChainMap({}, known))


@puzzle(wrong=True)
def a_proxy_of_a_dict() -> Made:
    return _once(lambda known: types.MappingProxyType(known).get("x"))


@puzzle(wrong=True)
def an_item_getter() -> Made:
    return _once(lambda known: operator.contains(known, "x"))


@puzzle(wrong=True)
def a_view_that_was_kept() -> Made:
    known: dict[str, int] = {}
    keys, made = known.keys(), []

    def make() -> None:
        if "x" not in keys:
            made.append(1)
            known["x"] = 1

    return both(make), equals(lambda: made, [1])


@puzzle(wrong=True)
def a_generator_over_what_is_shared() -> Made:
    return _once(lambda known: any(key == "x" for key in known))


@puzzle(wrong=True)
def a_zip() -> Made:
    return _once(lambda known: list(zip(known, itertools.count(), strict=False)))


@puzzle(wrong=True)
def an_enumeration_reversed_and_chained() -> Made:
    return _once(lambda known: list(itertools.chain(enumerate(reversed(list(known))))))


@puzzle(wrong=True)
def a_dict_in_a_display() -> Made:
    return _once(lambda known: {**known})


@puzzle(wrong=True)
def a_dict_as_keywords() -> Made:
    def given(**names: int) -> int:
        return len(names)

    return _once(lambda known: given(**known))


@puzzle(wrong=True)
def a_string_that_is_joined() -> Made:
    return _once(lambda known: ",".join(known))


@puzzle(wrong=True)
def a_format() -> Made:
    return _once(lambda known: "x" in "{0!r}".format(known))  # noqa: UP030, UP032


@puzzle(wrong=True)
def a_union_of_dicts() -> Made:
    return _once(lambda known: known | {})


@puzzle(wrong=True)
def a_walrus_and_a_chain_of_comparisons() -> Made:
    return _once(lambda known: 0 < (n := len(known)) < 5 and n)


@puzzle(wrong=True)
def a_user_dict() -> Made:
    known: collections.UserDict[str, int] = collections.UserDict()
    made: list[int] = []

    def make() -> None:
        if "x" not in known:
            made.append(1)
            known["x"] = 1

    return both(make), equals(lambda: made, [1])


@puzzle(wrong=True)
def an_ordered_dict() -> Made:
    known = collections.OrderedDict(a=1, b=2)

    def move() -> None:
        known.move_to_end("a")
        known.move_to_end("b")

    def look() -> None:
        assert next(iter(known)) == "a"

    return {"move": move, "look": look}, None


@puzzle(wrong=True)
def a_cached_property() -> Made:
    made: list[int] = []

    class Lazy:
        @functools.cached_property
        def value(self) -> int:
            made.append(1)
            return 1

    lazy = Lazy()
    lazy.__class__.value.lock = contextlib.nullcontext()  # type: ignore[attr-defined]  # as from 3.12 on
    return both(lambda: lazy.value), equals(lambda: made, [1])


@puzzle(wrong=True)
def a_cache_of_calls() -> Made:
    made: list[int] = []

    @functools.lru_cache
    def value() -> int:
        made.append(1)
        return len(made)

    return both(value), equals(lambda: made, [1])


@puzzle(wrong=True)
def a_context_manager() -> Made:
    box = Box()

    @contextlib.contextmanager
    def adding() -> Iterator[None]:
        seen = box.value
        yield
        box.value = seen + 1

    def add() -> None:
        with adding():
            pass

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=True)
def a_namespace() -> Made:
    space = types.SimpleNamespace(n=0)

    def add() -> None:
        space.n += 1

    return both(add), equals(lambda: space.n, 2)


@puzzle(wrong=True)
def a_list_in_a_named_tuple() -> Made:
    Row = collections.namedtuple("Row", "cells")
    row = Row([0])

    def add() -> None:
        row.cells[0] = row[0][0] + 1

    return both(add), equals(lambda: row.cells, [2])


@puzzle(wrong=True)
def a_state_in_an_enum() -> Made:
    class State(enum.Enum):
        OPEN = 1
        SHUT = 2

    box = Box(State.OPEN)
    done: list[int] = []

    def shut() -> None:
        if box.value is State.OPEN:
            done.append(1)
            box.value = State.SHUT

    return both(shut), equals(lambda: done, [1])


@puzzle(wrong=True)
def an_array_and_a_memory_view() -> Made:
    numbers = array.array("i", [0, 0])
    view = memoryview(numbers)

    def write() -> None:
        numbers[0] = 1
        numbers[1] = 1

    def look() -> None:
        assert sum(view) != 1

    return {"write": write, "look": look}, None


@puzzle(wrong=True)
def a_text_buffer() -> Made:
    out = io.StringIO()
    return {"a": lambda: out.write("a"), "b": lambda: out.write("b")}, equals(out.getvalue, "ab")


@puzzle(wrong=True)
def a_print_to_a_text_buffer() -> Made:
    out = io.StringIO()
    return {"a": lambda: print("a", file=out), "b": lambda: print("b", file=out)}, equals(out.getvalue, "a\nb\n")


@puzzle(wrong=True)
def a_weak_reference() -> Made:
    box = Box()
    ref = weakref.ref(box)

    def add() -> None:
        seen = ref()
        assert seen is not None
        seen.value += 1

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=True)
def a_default_argument() -> Made:
    _DEFAULTS.clear()

    def add(items: list[int] = _DEFAULTS) -> None:
        if not items:
            items.append(1)

    return both(add), equals(lambda: _DEFAULTS, [1])


@puzzle(wrong=True)
def a_module_by_its_name() -> Made:
    module: Any = sys.modules[__name__]
    module.level = 0

    def add() -> None:
        module.level = level + 1

    return both(add), equals(lambda: level, 2)


@puzzle(wrong=True)
def a_setter_by_name_of_a_module() -> Made:
    module = sys.modules[__name__]
    setattr(module, "level", 0)  # noqa: B010

    def add() -> None:
        setattr(module, "level", level + 1)  # noqa: B010

    return both(add), equals(lambda: level, 2)


@puzzle(wrong=True)
def a_global_set_by_text() -> Made:
    exec("level = 0", globals())

    def add() -> None:
        exec("level = level + 1", globals())

    return both(add), equals(lambda: level, 2)


@puzzle(wrong=True)
def an_attribute_that_is_computed() -> Made:
    class Open:
        def __init__(self) -> None:
            self.cells = {"n": 0}

        def __getattr__(self, name: str) -> int:
            return self.cells[name]

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "cells":
                object.__setattr__(self, name, value)
            else:
                self.cells[name] = value

    thing: Any = Open()

    def add() -> None:
        thing.n += 1

    return both(add), equals(lambda: thing.n, 2)


@puzzle(wrong=True)
def an_attribute_set_around_the_class() -> Made:
    box = Box()

    def add() -> None:
        object.__setattr__(box, "value", object.__getattribute__(box, "value") + 1)

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=True)
def an_increment_in_a_parent() -> Made:
    class Child(Box):
        def add(self) -> None:
            super().__init__(self.value + 1)

    child = Child()
    return both(child.add), equals(lambda: child.value, 2)


@puzzle(wrong=True)
def an_operator_of_ones_own() -> Made:
    class Sum:
        def __init__(self) -> None:
            self.n = 0

        def __iadd__(self, other: int) -> Sum:
            self.n = self.n + other
            return self

    held = [Sum()]

    def add() -> None:
        held[0] += 1

    return both(add), equals(lambda: held[0].n, 2)


@puzzle(wrong=True)
def a_callable_object() -> Made:
    class Adder:
        n = 0

        def __call__(self) -> None:
            self.n += 1

    adder = Adder()
    return both(adder), equals(lambda: adder.n, 2)


@puzzle(wrong=True)
def a_class_method_and_a_static_one() -> Made:
    class Tally:
        n = 0

        @classmethod
        def add(cls) -> None:
            cls.n = cls.get() + 1

        @staticmethod
        def get() -> int:
            return Tally.n

    return both(Tally.add), equals(Tally.get, 2)


@puzzle(wrong=True)
def a_lock_that_is_let_go_too_early() -> Made:
    box = Box()

    def add() -> None:
        with box.lock:
            seen = box.value
        with box.lock:
            box.value = seen + 1

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=False)
def what_belongs_to_a_thread_alone() -> Made:
    own = threading.local()
    told: list[int] = []

    def count() -> None:
        own.n = 0
        own.n += 1
        told.append(own.n)

    return both(count), equals(lambda: told, [1, 1])


@puzzle(wrong=True)
def a_list_that_is_handed_on() -> Made:
    """The first hands its own list on before it is done with it."""
    box = Box(None)

    def give() -> None:
        mine: list[int] = []
        box.value = mine
        mine.append(1)

    def take() -> None:
        got = box.value
        assert got is None or got == [1]

    return {"give": give, "take": take}, None


@puzzle(wrong=True)
def what_a_generator_holds_back() -> Made:
    def numbers(box: Box) -> Iterator[int]:
        for _ in range(2):
            box.value += 1
            yield box.value

    box = Box()

    def run() -> None:
        assert [*numbers(box)][0] % 2 == 1  # noqa: RUF015

    return both(run), None


@puzzle(wrong=False)
def two_threads_with_their_own_lists() -> Made:
    def work() -> None:
        mine = [3, 1, 2]
        mine.sort()
        for n in mine:
            if n in mine and str(n):
                mine = mine + [n]  # noqa: RUF005
        assert len(mine) == 6

    return both(work), None


@puzzle(wrong=True)
def a_set_that_is_updated_and_one_that_shrinks() -> Made:
    left, right = {1, 2}, {2, 3}

    def shrink() -> None:
        left.difference_update(right)
        right.clear()

    def look() -> None:
        assert left & right or not right or left == {1}
        assert left.isdisjoint(right) == (left == {1})

    return {"shrink": shrink, "look": look}, None


@puzzle(wrong=True)
def three_readers_of_one_writer() -> Made:
    box = Box()
    seen: dict[str, int] = {"a": 0, "b": 0}

    def read(name: str) -> None:
        seen[name] = box.value

    def write() -> None:
        box.value = 1

    return {
        "a": functools.partial(read, "a"),
        "b": functools.partial(read, "b"),
        "write": write,
    }, equals(lambda: seen["a"] >= seen["b"], True)
