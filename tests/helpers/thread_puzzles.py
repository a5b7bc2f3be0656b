"""Small programs of two and three real threads, each of which is wrong in some schedule or in none.

Each touches what it shares in another way. `wrong` says whether some schedule fails; an exhaustive search that stops at
every opcode agrees (in soak).
"""

from __future__ import annotations

import collections
import copy
import functools
import itertools
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Made = tuple[Mapping[str, Callable[[], object]], Callable[[], None] | None]
PUZZLES: dict[str, tuple[bool, Callable[[], Made]]] = {}

flag = 0
total = 0
mode = "idle"
settings: dict[str, int] = {}
LOCK = threading.Lock()
RLOCK = threading.RLock()
READY = threading.Event()
PERMITS = threading.Semaphore(1)
CHANGED = threading.Condition()
GATE = threading.Barrier(2)
WORK: queue.Queue[int] = queue.Queue(1)


def puzzle(wrong: bool) -> Callable[[Callable[[], Made]], Callable[[], Made]]:
    def note(make: Callable[[], Made]) -> Callable[[], Made]:
        PUZZLES[make.__name__] = (wrong, make)
        return make

    return note


class Box:
    limit = 1

    def __init__(self, value: Any = 0) -> None:
        self.value = value
        self.other = 0
        self.lock = threading.Lock()

    @property
    def doubled(self) -> int:
        return self.value * 2

    def __len__(self) -> int:
        return len(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and self.value == other.value

    def __hash__(self) -> int:
        return id(self)


class Slotted:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


@dataclass
class Point:
    x: int = 0
    y: int = 0


def both(function: Callable[[], object]) -> dict[str, Callable[[], object]]:
    return {"a": function, "b": function}


def equals(told: Callable[[], Any], wanted: Any) -> Callable[[], None]:
    def check() -> None:
        assert told() == wanted

    return check


# --- truth, length and other builtins ------------------------------------------------------------------------------
@puzzle(wrong=True)
def truth_of_a_list() -> Made:
    items = [1]

    def take() -> None:
        if items:
            items.pop()

    return both(take), None


@puzzle(wrong=True)
def truth_of_an_attribute() -> Made:
    box = Box([1])

    def take() -> None:
        if box.value:
            box.value.pop()

    return both(take), None


@puzzle(wrong=True)
def truth_in_a_while() -> Made:
    items = [1]

    def take() -> None:
        while (not items) is False:
            items.pop()

    return both(take), None


@puzzle(wrong=True)
def truth_by_and() -> Made:
    items = {1}

    def take() -> None:
        items and items.remove(1)

    return both(take), None


@puzzle(wrong=True)
def truth_by_a_method_of_ones_own() -> Made:
    box = Box([1])

    def take() -> None:
        if box:
            box.value.pop()

    return both(take), None


@puzzle(wrong=True)
def length_of_an_alias() -> Made:
    items = [1]
    alias = {"the list": items}

    def take() -> None:
        mine = alias["the list"]
        if len(mine) > 0:
            items.pop()

    return both(take), None


def _transfer(look: Callable[[list[int]], int]) -> Made:
    accounts = [5, 5]

    def move() -> None:
        accounts[0] -= 1
        accounts[1] += 1

    def audit() -> None:
        assert look(accounts) == 10

    return {"move": move, "audit": audit}, None


@puzzle(wrong=True)
def sum_beside_a_transfer() -> Made:
    return _transfer(sum)


@puzzle(wrong=True)
def sum_by_a_loop() -> Made:
    def look(accounts: list[int]) -> int:
        seen = 0
        for amount in accounts:
            seen += amount
        return seen

    return _transfer(look)


@puzzle(wrong=True)
def sum_by_a_comprehension() -> Made:
    return _transfer(lambda accounts: sum([amount + 0 for amount in accounts]))


@puzzle(wrong=True)
def sum_by_unpacking() -> Made:
    def look(accounts: list[int]) -> int:
        first, second = accounts
        return first + second

    return _transfer(look)


@puzzle(wrong=True)
def sum_by_a_starred_call() -> Made:
    return _transfer(lambda accounts: (lambda *parts: sum(parts))(*accounts))


@puzzle(wrong=True)
def sum_of_a_slice() -> Made:
    return _transfer(lambda accounts: sum(accounts[:]))


@puzzle(wrong=True)
def sum_of_a_copy() -> Made:
    return _transfer(lambda accounts: sum(copy.copy(accounts)))


@puzzle(wrong=True)
def sum_by_map() -> Made:
    return _transfer(lambda accounts: sum(map(abs, accounts)))


@puzzle(wrong=True)
def sum_by_reduce() -> Made:
    return _transfer(lambda accounts: functools.reduce(lambda a, b: a + b, accounts))


@puzzle(wrong=True)
def sum_of_a_repr() -> Made:
    return _transfer(lambda accounts: sum(map(int, repr(accounts)[1:-1].split(","))))


@puzzle(wrong=True)
def sum_of_an_f_string() -> Made:
    return _transfer(lambda accounts: sum(map(int, f"{accounts}"[1:-1].split(","))))


@puzzle(wrong=True)
def sum_of_a_percent_string() -> Made:
    return _transfer(lambda accounts: sum(map(int, ("%s" % accounts)[1:-1].split(","))))  # noqa: UP031


@puzzle(wrong=True)
def sum_of_a_sorted_copy() -> Made:
    return _transfer(lambda accounts: sum(sorted(accounts)))


@puzzle(wrong=True)
def sum_of_a_concatenation() -> Made:
    return _transfer(lambda accounts: sum(accounts + []))  # noqa: RUF005


@puzzle(wrong=True)
def least_and_greatest() -> Made:
    def look(accounts: list[int]) -> int:
        return 10 if min(accounts) == max(accounts) or sum(accounts) == 10 else 0

    return _transfer(look)


@puzzle(wrong=True)
def a_comparison_of_lists() -> Made:
    seen = []

    def move() -> None:
        pair[0] = 6
        pair[1] = 4

    pair = [5, 5]

    def look() -> None:
        seen.append(pair == [6, 5])

    def check() -> None:
        assert seen == [False]

    return {"move": move, "look": look}, check


@puzzle(wrong=True)
def a_comparison_by_a_method_of_ones_own() -> Made:
    box, wanted = Box(0), Box(1)

    def move() -> None:
        box.value = 1
        box.value = 2

    def look() -> None:
        assert box != wanted

    return {"move": move, "look": look}, None


@puzzle(wrong=True)
def a_key_that_is_looked_for() -> Made:
    known: dict[str, int] = {}
    made = []

    def make_once() -> None:
        if "x" not in known:
            made.append(1)
            known["x"] = 1

    return both(make_once), equals(lambda: made, [1])


@puzzle(wrong=True)
def a_value_that_is_looked_for() -> Made:
    known: list[int] = []

    def add_once() -> None:
        if 1 not in known:
            known.append(1)

    return both(add_once), equals(lambda: known, [1])


@puzzle(wrong=False)
def setdefault_is_one_step() -> Made:
    known: dict[str, int] = {}
    made: dict[str, int] = {}

    def once(name: str) -> None:
        made[name] = known.setdefault("x", len(name))

    return {"a": lambda: once("a"), "b": lambda: once("bb")}, lambda: _same(made)


def _same(made: dict[str, int]) -> None:
    assert made["a"] == made["bb"]


@puzzle(wrong=True)
def a_dict_that_grows_under_a_loop() -> Made:
    known = {"a": 1, "b": 2}

    def grow() -> None:
        known["c"] = 3

    def look() -> None:
        for _ in known:
            pass

    return {"grow": grow, "look": look}, None


# --- attributes by any name ----------------------------------------------------------------------------------------
@puzzle(wrong=True)
def an_increment() -> Made:
    box = Box()

    def add() -> None:
        box.value += 1

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=False)
def an_increment_under_a_lock() -> Made:
    box = Box()

    def add() -> None:
        with box.lock:
            box.value += 1

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=False)
def two_attributes_of_one_thing() -> Made:
    box = Box()

    def one() -> None:
        box.value += 1

    def two() -> None:
        box.other += 1

    return {"one": one, "two": two}, equals(lambda: (box.value, box.other), (1, 1))


@puzzle(wrong=True)
def attributes_by_name() -> Made:
    box = Box()

    def add() -> None:
        setattr(box, "value", getattr(box, "value") + 1)  # noqa: B009, B010

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=True)
def an_attribute_that_may_be_there() -> Made:
    box = Box()
    made = []

    def once() -> None:
        if not hasattr(box, "made"):
            made.append(1)
            box.made = True  # type: ignore[attr-defined]

    return both(once), equals(lambda: made, [1])


@puzzle(wrong=True)
def an_attribute_in_the_dict() -> Made:
    box = Box()

    def add() -> None:
        box.__dict__["value"] = vars(box)["value"] + 1

    def also() -> None:
        box.value += 1

    return {"add": add, "also": also}, equals(lambda: box.value, 2)


@puzzle(wrong=True)
def an_attribute_behind_a_property() -> Made:
    box = Box(1)

    def add() -> None:
        box.value = box.doubled

    return both(add), equals(lambda: box.value, 4)


@puzzle(wrong=True)
def a_slot() -> Made:
    thing = Slotted()

    def add() -> None:
        thing.value += 1

    return both(add), equals(lambda: thing.value, 2)


@puzzle(wrong=True)
def an_attribute_of_a_class() -> Made:
    Box.limit = 1
    box = Box()

    def rise() -> None:
        Box.limit = 2

    def look() -> None:
        assert box.limit == box.limit

    return {"rise": rise, "look": look}, None


@puzzle(wrong=True)
def an_attribute_of_a_function() -> Made:
    def count() -> None:
        count.calls += 1  # type: ignore[attr-defined]

    count.calls = 0  # type: ignore[attr-defined]
    return both(count), equals(lambda: count.calls, 2)  # type: ignore[attr-defined]


@puzzle(wrong=True)
def a_dataclass_that_is_compared() -> Made:
    point = Point()

    def move() -> None:
        point.x = 1
        point.y = 1

    def look() -> None:
        assert point != Point(1, 0)

    return {"move": move, "look": look}, None


@puzzle(wrong=True)
def a_method_that_is_the_thread() -> Made:
    items = [1]
    return {"a": items.pop, "b": lambda: items.index(1)}, None


@puzzle(wrong=True)
def a_partial() -> Made:
    counts = {"x": 0}

    def add(key: str) -> None:
        counts[key] = counts[key] + 1

    return both(functools.partial(add, "x")), equals(lambda: counts["x"], 2)


# --- globals and closures ------------------------------------------------------------------------------------------
@puzzle(wrong=True)
def a_global_that_is_read_twice() -> Made:
    global flag
    flag = 0

    def write() -> None:
        global flag
        flag = 1

    def read() -> None:
        first = flag
        second = flag
        assert first == second

    return {"write": write, "read": read}, None


@puzzle(wrong=True)
def a_global_that_counts() -> Made:
    global total
    total = 0

    def add() -> None:
        global total
        total += 1

    return both(add), equals(lambda: total, 2)


def _set_mode(value: str) -> None:
    global mode
    mode = value


@puzzle(wrong=True)
def a_global_that_another_function_sets() -> Made:
    _set_mode("idle")

    def work() -> None:
        _set_mode("busy")
        _set_mode("idle")

    def look() -> None:
        assert mode == "idle"

    return {"work": work, "look": look}, None


@puzzle(wrong=True)
def a_global_by_its_dict() -> Made:
    globals()["total"] = 0

    def add() -> None:
        globals()["total"] = total + 1

    return both(add), equals(lambda: total, 2)


@puzzle(wrong=True)
def a_global_dict() -> Made:
    settings.clear()

    def once() -> None:
        if not settings:
            settings["x"] = settings.get("x", 0) + 1
        else:
            settings["x"] += 10

    return both(once), equals(lambda: settings["x"], 11)


@puzzle(wrong=True)
def a_closure() -> Made:
    count = 0

    def add() -> None:
        nonlocal count
        count += 1

    return both(add), equals(lambda: count, 2)


@puzzle(wrong=False)
def a_closure_under_a_lock() -> Made:
    count, lock = 0, threading.Lock()

    def add() -> None:
        nonlocal count
        with lock:
            count += 1

    return both(add), equals(lambda: count, 2)


@puzzle(wrong=False)
def a_closure_that_is_written_while_another_waits() -> Made:
    ready = False

    def write() -> None:
        nonlocal ready
        ready = True

    def read() -> None:
        first = ready
        assert first in (False, True)

    return {"read": read, "write": write}, equals(lambda: ready, True)


# --- one thing under several names, and C code that is given it -----------------------------------------------------
@puzzle(wrong=True)
def one_list_in_two_dicts() -> Made:
    shared = [0]
    left, right = {"x": shared}, {"x": shared}

    def one() -> None:
        left["x"][0] += 1

    def two() -> None:
        right["x"][0] += 1

    return {"one": one, "two": two}, equals(lambda: shared, [2])


@puzzle(wrong=False)
def two_lists_of_one_kind() -> Made:
    left, right = [0], [0]

    def one() -> None:
        left[0] += 1
        left.append(1)

    def two() -> None:
        right[0] += 1
        right.append(1)

    return {"one": one, "two": two}, equals(lambda: left + right, [1, 1, 1, 1])


@puzzle(wrong=False)
def two_keys_of_one_dict() -> Made:
    counts = {"x": 0, "y": 0}

    def one() -> None:
        counts["x"] += 1

    def two() -> None:
        counts["y"] += 1

    return {"one": one, "two": two}, equals(lambda: counts, {"x": 1, "y": 1})


@puzzle(wrong=True)
def an_iterator_that_is_shared() -> Made:
    numbers = iter([1, 2])
    seen: dict[str, int] = {}

    def take(name: str) -> None:
        seen[name] = next(numbers)

    return {"a": lambda: take("a"), "b": lambda: take("b")}, equals(lambda: seen["a"], 1)


@puzzle(wrong=True)
def a_counter_of_itertools() -> Made:
    numbers = itertools.count()
    seen: dict[str, int] = {}

    def take(name: str) -> None:
        seen[name] = next(numbers)

    return {"a": lambda: take("a"), "b": lambda: take("b")}, equals(lambda: seen["a"], 0)


@puzzle(wrong=True)
def a_generator_that_is_shared() -> Made:
    def count() -> Any:
        n = 0
        while True:
            yield n
            n += 1

    numbers, seen = count(), []
    return both(lambda: seen.append(next(numbers))), None


@puzzle(wrong=True)
def a_deque_that_is_peeked_at() -> Made:
    waiting = collections.deque([1])

    def take() -> None:
        if waiting:
            waiting.popleft()

    return both(take), None


@puzzle(wrong=True)
def a_defaultdict_that_fills_itself() -> Made:
    groups: dict[str, list[int]] = collections.defaultdict(list)

    def add() -> None:
        groups["x"].append(1)

    def look() -> None:
        assert "x" not in groups or groups["x"]

    return {"add": add, "look": look}, None


@puzzle(wrong=True)
def a_counter_of_collections() -> Made:
    counts = collections.Counter(x=0)

    def add() -> None:
        counts["x"] += 1

    return both(add), equals(lambda: counts["x"], 2)


@puzzle(wrong=True)
def a_list_that_grows_in_place() -> Made:
    items: list[int] = []

    def grow() -> None:
        mine = items
        mine += [1]
        mine += [2]

    def look() -> None:
        assert len(items) != 1

    return {"grow": grow, "look": look}, None


@puzzle(wrong=True)
def bytes_that_change() -> Made:
    data = bytearray(b"ab")

    def write() -> None:
        data[0] = 120
        data[1] = 121

    def look() -> None:
        assert bytes(data) != b"xb"

    return {"write": write, "look": look}, None


@puzzle(wrong=True)
def a_sort_that_calls_back() -> Made:
    items = [2, 1]
    weight = {1: 1, 2: 2}

    def sort() -> None:
        items.sort(key=lambda i: weight[i])

    def look() -> None:
        assert len(items) == 2

    return {"sort": sort, "look": look}, None


@puzzle(wrong=True)
def a_match() -> Made:
    order = {"kind": "new", "state": 0}

    def move() -> None:
        order["kind"] = "old"
        order["state"] = 1

    def look() -> None:
        match order:
            case {"kind": "old", "state": 0}:
                raise AssertionError("torn")

    return {"move": move, "look": look}, None


@puzzle(wrong=True)
def a_global_output() -> Made:
    lines: list[str] = []

    class Out:
        def write(self, text: str) -> None:
            lines.append(text)

    out = Out()
    return {"a": lambda: print("a", file=out), "b": lambda: print("b", file=out)}, lambda: _in_order(lines)


def _in_order(lines: list[str]) -> None:
    assert "".join(lines) == "a\nb\n"


# --- locks and what is built on them -------------------------------------------------------------------------------
@puzzle(wrong=True)
def two_locks_in_two_orders() -> Made:
    one, two = threading.Lock(), threading.Lock()

    def forwards() -> None:
        with one, two:
            pass

    def backwards() -> None:
        with two, one:
            pass

    return {"forwards": forwards, "backwards": backwards}, None


def _table(seats: int, ordered: bool) -> Made:
    forks = [threading.Lock() for _ in range(seats)]

    def eat(i: int) -> None:
        first, second = forks[i], forks[(i + 1) % seats]
        if ordered and i == seats - 1:
            first, second = second, first
        with first, second:
            pass

    return {f"philosopher {i}": functools.partial(eat, i) for i in range(seats)}, None


@puzzle(wrong=True)
def philosophers() -> Made:
    return _table(3, ordered=False)


@puzzle(wrong=False)
def philosophers_in_order() -> Made:
    return _table(3, ordered=True)


@puzzle(wrong=True)
def a_lock_that_is_tried() -> Made:
    lock, done = threading.Lock(), []

    def work() -> None:
        if lock.acquire(blocking=False):
            done.append(1)
            lock.release()

    return both(work), equals(lambda: len(done), 2)


@puzzle(wrong=True)
def a_lock_that_is_looked_at() -> Made:
    lock = threading.Lock()

    def work() -> None:
        with lock:
            pass

    def look() -> None:
        assert not lock.locked()

    return {"work": work, "look": look}, None


@puzzle(wrong=True)
def a_lock_that_another_gives_back() -> Made:
    lock = threading.Lock()
    return {"take": lambda: lock.acquire(), "give": lambda: lock.release()}, None


@puzzle(wrong=False)
def a_lock_made_at_import() -> Made:
    box = Box()

    def add() -> None:
        with LOCK:
            box.value += 1

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=True)
def a_lock_made_at_import_and_a_new_one() -> Made:
    lock = threading.Lock()

    def forwards() -> None:
        with LOCK, lock:
            pass

    def backwards() -> None:
        lock.acquire()
        LOCK.acquire()
        LOCK.release()
        lock.release()

    return {"forwards": forwards, "backwards": backwards}, None


@puzzle(wrong=False)
def a_reentrant_lock_made_at_import() -> Made:
    box = Box()

    def add() -> None:
        with RLOCK, RLOCK:
            box.value += 1

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=False)
def a_semaphore_made_at_import() -> Made:
    box = Box()

    def add() -> None:
        with PERMITS:
            box.value += 1

    return both(add), equals(lambda: box.value, 2)


@puzzle(wrong=False)
def an_event_made_at_import() -> Made:
    READY.clear()
    box = Box()

    def write() -> None:
        box.value = 1
        READY.set()

    def read() -> None:
        READY.wait()
        assert box.value == 1

    return {"write": write, "read": read}, None


@puzzle(wrong=True)
def a_condition_made_at_import_that_is_told_too_early() -> Made:
    def tell() -> None:
        with CHANGED:
            CHANGED.notify()

    def wait() -> None:
        with CHANGED:
            CHANGED.wait()

    return {"tell": tell, "wait": wait}, None


@puzzle(wrong=False)
def a_condition_made_at_import() -> Made:
    box = Box()

    def tell() -> None:
        with CHANGED:
            box.value = 1
            CHANGED.notify()

    def wait() -> None:
        with CHANGED:
            while not box.value:
                CHANGED.wait()

    return {"tell": tell, "wait": wait}, equals(lambda: box.value, 1)


@puzzle(wrong=False)
def a_queue_made_at_import() -> Made:
    got: list[int] = []

    def produce() -> None:
        WORK.put(1)
        WORK.put(2)

    def consume() -> None:
        got.append(WORK.get())
        got.append(WORK.get())

    return {"produce": produce, "consume": consume}, equals(lambda: got, [1, 2])


@puzzle(wrong=True)
def a_queue_that_is_looked_at() -> Made:
    work: queue.Queue[int] = queue.Queue()
    work.put(1)

    def take() -> None:
        if not work.empty():
            work.get(block=False)

    return both(take), None


@puzzle(wrong=False)
def a_barrier_made_at_import() -> Made:
    GATE.reset()
    seen: list[str] = []

    def meet(name: str) -> None:
        seen.append(name)
        GATE.wait()
        assert len(seen) == 2

    return {"a": lambda: meet("a"), "b": lambda: meet("b")}, None


@puzzle(wrong=True)
def an_event_that_is_looked_at() -> Made:
    done = threading.Event()

    def work() -> None:
        done.set()

    def look() -> None:
        assert done.is_set() == done.is_set()

    return {"work": work, "look": look}, None


@puzzle(wrong=True)
def a_check_before_a_lock() -> Made:
    box = Box(None)
    made = []

    def get() -> None:
        if box.value is None:
            with box.lock:
                made.append(1)
                box.value = 1

    return both(get), equals(lambda: made, [1])


@puzzle(wrong=False)
def a_check_before_and_after_a_lock() -> Made:
    box = Box(None)
    made = []

    def get() -> None:
        if box.value is None:
            with box.lock:
                if box.value is None:
                    made.append(1)
                    box.value = 1

    return both(get), equals(lambda: made, [1])


@puzzle(wrong=True)
def three_threads_in_a_chain() -> Made:
    cells = {"x": 0, "y": 0, "z": 0}

    def copy_to(source: str, target: str) -> None:
        cells[target] = cells[source]

    def start() -> None:
        cells["x"] = 1

    return {
        "start": start,
        "one": functools.partial(copy_to, "x", "y"),
        "two": functools.partial(copy_to, "y", "z"),
    }, equals(lambda: cells["z"], 0)
