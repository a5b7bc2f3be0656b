"""Random programs of two real threads, made of statements that share things in many ways."""

from __future__ import annotations

import copy
import functools
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

STATEMENTS = """\
L.append({i})
mine.append(len(L))
mine.append(L[:])
if L: L.pop()
mine.append(bool(L) and L[-1])
for item in L: mine.append(item)
mine.append(sum(map(int, L)))
mine.append(repr(L) + f"{{L}}")
del L[:1]
L.sort()
mine.append(max(L, default=0))
alias = L; alias += [{i}]
mine.append(copy.copy(L))
mine.append(L == [1])
mine.append(list(zip(L, L)))
L[0] = {i}
first, *rest = L; mine.append(first)
mine.append(next(it, None))
mine.append([*it])
D["x"] = {i}
D["y"] = D.get("x")
mine.append("x" in D)
mine.append(sorted(D))
mine.append(D.setdefault("x", {i}))
D.update(z={i})
mine.append(D.popitem() if D else None)
mine.append(list(D))
B.v = {i}
B.v += 1
mine.append((B.v, B.w))
setattr(B, "w", getattr(B, "v") + 1)
mine.append(dict(vars(B)))
B.__dict__["v"] = {i}
mine.append(hasattr(B, "new"))
B.new = {i}
C.k += 1
mine.append(B.k)
S.add({i})
S ^= {{1}}
mine.append(S & {{1, 2}})
mine.append(sorted(S))
G[0] += 1
globals()["H"] = {i}
mine.append(H)
with lock: B.v += 1
with lock: mine.append(len(L)); L.append({i})
mine.append(lock.locked())
if lock.acquire(False): mine.append("got"); lock.release()
with made_before: B.v += 1
event.set()
mine.append(event.is_set())
nonlocals({i})
mine.append(nonlocals(0))""".splitlines()

MADE_BEFORE = threading.Lock()


class Box:
    k = 0

    def __init__(self) -> None:
        self.v = self.w = 0


def program(
    seed: int, reached: set[str]
) -> Callable[[], tuple[Mapping[str, Callable[[], object]], Callable[[], None]]]:
    """A program whose final states are put into the set."""
    rng = random.Random(f"program {seed}")
    few = rng.sample(STATEMENTS, 5)
    codes = []
    for name in "ab":
        lines = [f"        {rng.choice(few).format(i=rng.randint(1, 3))}\n" for _ in range(rng.randint(1, 3))]
        text = f"def run(mine):\n    global H, S\n    try:\n{''.join(lines)}"
        text += "    except Exception as error:\n        mine.append(type(error).__name__)\n"
        codes.append(compile(text, f"<thread {name}>", "exec"))

    def make() -> tuple[Mapping[str, Callable[[], object]], Callable[[], None]]:
        Box.k = 0
        count = 0

        def nonlocals(add: int) -> int:
            nonlocal count
            count += add
            return count

        shared: dict[str, Any] = {
            "L": [2], "D": {}, "B": Box(), "C": Box, "S": {1}, "G": [0], "H": 0, "it": iter([1, 2]), "copy": copy,
            "lock": threading.Lock(), "made_before": MADE_BEFORE, "event": threading.Event(), "nonlocals": nonlocals,
        }  # fmt: skip
        shared["__name__"] = "shared"
        told: list[list[Any]] = []
        threads = {}
        for code, name in zip(codes, "ab", strict=True):
            told.append([])
            exec(code, shared)
            threads[name] = functools.partial(shared.pop("run"), told[-1])

        def check() -> None:
            state = [shared[n] for n in "LDGH"]
            reached.add(repr((state, sorted(shared["S"]), sorted(vars(shared["B"]).items()), Box.k, count, told)))

        return threads, check

    return make
