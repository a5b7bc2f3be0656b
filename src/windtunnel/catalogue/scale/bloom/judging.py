"""How a filter is judged: by what clients were told, by how often the table was read, and by what was stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from windtunnel import History
from windtunnel.statistics import not_measurable

KNOWN = "bot:"
"""What strangers begin with that come again."""
PHASES = ("fresh", "grown", "again")
KINDS = ("new", "known", "deleted", "there")


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def keys(self) -> int: ...


class Get(NamedTuple):
    """A key that was asked for.

    Attributes:
        phase: "fresh", "growing", "grown" at the second server, "again" at the third.
        put: keys that had been put by then.
        kind: "there", "deleted", "known" or "new", a stranger that nobody has asked for before.
    """

    phase: str
    put: int
    kind: str
    told: bool
    read: bool


def gets(history: History) -> Iterator[Get]:
    """All of them, in order; what is there follows from what was put and deleted before."""
    there, gone, put = set[str](), set[str](), 0
    for event in history:
        if event.outcome != "ok" or event.name == "hand_over":
            continue
        keys = event.args[0]
        if event.name == "put":
            there.update(keys)
            put += len(keys)
        elif event.name == "delete":
            there.difference_update(keys)
            gone.update(keys)
        else:
            for key, told, read in zip(keys, *event.value, strict=True):
                known = "known" if key.startswith(KNOWN) else "new"
                kind = "there" if key in there else "deleted" if key in gone else known
                yield Get(event.args[1], put, kind, told == "1", read == "1")


def share(found: Sequence[bool], what: str) -> float:
    """How much of it is true."""
    return sum(found) / len(found) if found else not_measurable(f"nobody asked for {what}")


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """Shares of gets, and bits a key.

    `reads`: of all gets, those for which the table was read; `wasted_PHASE`: of those for strangers that are new, and
    `wasted_known`, `wasted_deleted`: of those for strangers that come again, and for keys that have been deleted.
    `missed`: of those for keys that are there, those that were told not to be; `missed_fresh`: at the second server,
    before anything changed there. `bits`, `bits_again`: stored for the second and for the third server, a key of the
    table; `held_bits`: what the second server had in memory at last. `scanned`: rows read to store that, each time.
    """
    all_gets = list(gets(history))
    facts = history.facts
    (_, scanned, many), (_, scanned_again, many_again) = facts["stored"]
    read = facts["bytes_read"]
    there = [one for one in all_gets if one.kind == "there"]
    new = [one for one in all_gets if one.kind == "new"]
    return {
        "reads": sum(one.read for one in all_gets) / len(all_gets),
        **{
            f"wasted_{phase}": share([one.read for one in new if one.phase == phase], "new strangers")
            for phase in PHASES
        },
        "wasted_known": share([one.read for one in all_gets if one.kind == "known"], "strangers that come again"),
        "wasted_deleted": share(
            [one.read for one in all_gets if one.kind == "deleted" and one.phase == "grown"], "deleted keys"
        ),
        "missed_fresh": share([not one.told for one in there if one.phase == "fresh"], "keys that are there"),
        "missed": share([not one.told for one in there], "keys that are there"),
        **bits(facts),
        "scanned": (scanned + scanned_again) / (many + many_again),
        "looks": facts["looks"] / len(all_gets),
        "kib_read": read / 1024 / len(all_gets) if read is not None else not_measurable("this system does not say it"),
        **{f"strangers_{phase}": sum(one.phase == phase for one in new) for phase in PHASES},
    }


def bits(facts: Mapping[str, Any]) -> dict[str, float]:
    """What was stored and held, in bits a key of the table."""
    (size, _, many), (size_again, _, many_again) = facts["stored"]
    return {
        "bits": 8 * size / many,
        "bits_again": 8 * size_again / many_again,
        "held_bits": 8 * facts["held"] / many_again,
    }


# --- charts --------------------------------------------------------------------------------------------------------
def outgrown(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Reads for strangers, as the table outgrows what was expected."""
    found: dict[float, list[bool]] = {}
    for one in gets(history):
        if one.kind == "new" and one.phase in ("fresh", "growing"):
            found.setdefault(one.put / p.keys, []).append(one.read)
    return {"of new strangers": [(size, 100 * sum(reads) / len(reads)) for size, reads in found.items()]}


def by_kind(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Reads of the table by what was asked for."""
    found: dict[str, list[bool]] = {}
    for one in gets(history):
        found.setdefault(one.kind, []).append(one.read)
    return {"read": [(kind, 100 * sum(found[kind]) / len(found[kind])) for kind in KINDS if kind in found]}


def memory(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What is stored and held."""
    found = bits(history.facts)
    names = {"bits": "stored at first", "bits_again": "stored when it had grown", "held_bits": "in memory then"}
    return {"a key": [(names[name], found[name]) for name in names]}


def time_line(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """When each request was answered, and what that took: of gets, for how many the table was read."""
    began = min(event.start for event in history)
    rows = []
    for event in history:
        keys = event.args[0] if event.args else ()
        reads = f"{event.value[1].count('1')} of " if event.name == "get" and event.outcome == "ok" else ""
        what = f"{reads}{len(keys)} {'read' if reads else 'keys'}" if event.args else "what is stored"
        rows.append((event.name.replace("_", " "), 1e3 * (event.start - began), 1e3 * (event.end - began), what))
    return {"requests": rows}
