"""How it is judged: by what was typed, what was ticked, and what phones have shown, each at its time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from windtunnel import Event, History
from windtunnel.catalogue.interview.q04_whatsapp.designs import Setting
from windtunnel.catalogue.interview.q04_whatsapp.phones import NEVER
from windtunnel.catalogue.interview.q04_whatsapp.talk import chats_of, devices_of, named
from windtunnel.checkers import check_queue
from windtunnel.statistics import enough, not_measurable, percentile


class Typed(NamedTuple):
    """A message: when and where it was typed, and when it was ticked as sent; infinite where it was not."""

    at_s: float
    device: int
    chat: int
    text: str
    sent_s: float


Shown = Sequence[tuple[float, int, str]]
MOST_POINTS = 6
"""About so many of a line are drawn."""


def typed(history: History) -> dict[str, Typed]:
    """All that was typed, by the names of messages."""
    events = sorted(history.where(name="say"), key=lambda event: event.start)
    said = [(event.start, *event.args[:3], event.end if event.outcome == "ok" else NEVER) for event in events]
    found = [Typed(*one) for one in said]
    return dict(zip(named((one.chat, one.text) for one in found), found, strict=True))


class Chats:
    """What each device should have shown, and what it has.

    Attributes:
        shown: by device, when and under which name, where it belongs there.
        first: by device, when each message was shown.
        strange: so often was shown what nobody typed in that chat, or what does not belong there.
    """

    def __init__(self, history: History, p: Any) -> None:
        self.typed = typed(history)
        self.users, self.chats = devices_of(p), chats_of(p)
        said = {(one.chat, one.text) for one in self.typed.values()}
        shown: Sequence[Shown] = history.facts["shown"]
        self.shown: list[list[tuple[float, str]]] = []
        for device, one in enumerate(shown):
            right = [(at, c, t) for at, c, t in one if (c, t) in said and self.users[device] in self.chats[c]]
            names = named((chat, text) for _, chat, text in right)
            self.shown.append([(at, name) for (at, _, _), name in zip(right, names, strict=True)])
        self.first = [{name: at for at, name in one if name in self.typed} for one in self.shown]
        self.strange = sum(map(len, shown)) - sum(map(len, self.shown))

    def wanted(self, text: str) -> list[int]:
        """The devices on which it belongs."""
        members = self.chats[self.typed[text].chat]
        return [device for device, user in enumerate(self.users) if user in members]

    def lost(self) -> list[tuple[str, int]]:
        """What was ticked as sent, and a device never showed."""
        return [
            (text, device)
            for text, one in self.typed.items()
            if one.sent_s < NEVER
            for device in self.wanted(text)
            if text not in self.first[device]
        ]

    def twice(self) -> int:
        """So often a message was shown that was there."""
        return sum(map(len, self.shown)) - sum(map(len, self.first))

    def disorder(self) -> int:
        """Pairs of messages of a chat that two devices show in different order, or one not as its sender typed them."""
        found = set()
        after: dict[tuple[str, str], bool] = {}
        order = {text: n for n, text in enumerate(self.typed)}
        for first in self.first:
            by_chat: defaultdict[int, list[str]] = defaultdict(list)
            for text in first:
                by_chat[self.typed[text].chat].append(text)
            for texts in by_chat.values():
                for n, one in enumerate(texts):
                    for other in texts[n + 1 :]:
                        pair = (one, other) if order[one] < order[other] else (other, one)
                        right = pair == (one, other)
                        if after.setdefault(pair, right) != right:
                            found.add(pair)
                        if not right and self.typed[one].device == self.typed[other].device:
                            found.add(pair)
        return len(found)

    def delays(self) -> list[float]:
        """Seconds from typing to a screen, for each device of somebody else."""
        return [
            self.first[device][text] - one.at_s
            for text, one in self.typed.items()
            for device in self.wanted(text)
            if self.users[device] != self.users[one.device] and text in self.first[device]
        ]

    def lies(self, ticks: Sequence[Sequence[tuple[float, str, str]]]) -> int:
        """Ticks that were not so: delivered to all, or read by all, when somebody had not shown it, or not looked."""
        found = 0
        for device, one in enumerate(ticks):
            for at, text, what in one:
                if what == "sent" or text not in self.typed:
                    continue
                mine = self.users[device]
                for user in self.chats[self.typed[text].chat]:
                    his = [n for n, owner in enumerate(self.users) if owner == user]
                    seen = [self.first[n].get(text, NEVER) for n in (his[:1] if what == "read" else his)]
                    found += user != mine and min(seen) > at
        return found

    def untold(self, ticks: Sequence[Sequence[tuple[float, str, str]]], what: str) -> int:
        """Messages whose sender has no such tick in the end: all are delivered by then, and read."""
        told = {(device, text) for device, one in enumerate(ticks) for _, text, tick in one if tick == what}
        return sum((one.device, text) not in told for text, one in self.typed.items())


def checked(chats: Chats) -> int:
    """What the checker of messages finds: on each device a message is sent to it, and showing it takes it."""
    found = 0
    for device, shown in enumerate(chats.shown):
        ops = []
        for text, one in chats.typed.items():
            if device in chats.wanted(text):
                outcome = "ok" if one.sent_s < NEVER else "unknown"
                ops.append(Event("sender", "enqueue", (text,), one.at_s, min(one.sent_s, 1e9), outcome))  # type: ignore[arg-type]
        ops += [Event(f"phone {device}", "dequeue", (), at, at, "ok", text) for at, text in shown]
        found += sum(one.count for one in check_queue(ops, ordered=False, drained=True).findings)
    return found


def measure(history: History, p: Setting) -> dict[str, float]:
    """What it all comes to."""
    chats, facts = Chats(history, p), history.facts
    done: Mapping[str, int] = facts["done"]
    ticks = facts["ticks"]
    delays = chats.delays()
    shows = max(1, len(delays))
    struck = Counter(how for how, _ in facts["struck"])
    masses = [event.value for event in history.where(name="masses") if event.value]
    storm = next((event for event in history.where(name="storm")), None)
    return {
        "typed": len(chats.typed),
        "sent": sum(one.sent_s < NEVER for one in chats.typed.values()),
        "killed": struck["kill"],
        "vanished": struck["vanish"],
        "lost": len(chats.lost()),
        "twice": chats.twice(),
        "strange": chats.strange,
        "leaked": facts["leaked"],
        "disorder": chats.disorder(),
        "lies": chats.lies(ticks),
        "undelivered": chats.untold(ticks, "delivered"),
        "unread": chats.untold(ticks, "read"),
        "findings": checked(chats),
        "delay_p50_ms": _ms(delays, 50),
        "delay_mean_ms": 1e3 * sum(delays) / len(delays) if delays else _nothing(),
        "sent_p50_ms": _ms([one.sent_s - one.at_s for one in chats.typed.values() if one.sent_s < NEVER], 50),
        "frames": (done.get("up", 0) + done.get("down", 0)) / shows,
        "up_a_second": done.get("up", 0) / facts["spent_s"],
        "bytes": done.get("bytes", 0) / shows,
        "copies": done.get("came", 0) / shows,
        "reads": done.get("reads", 0) / max(1, len(chats.typed)),
        "commits": done.get("commits", 0) / max(1, len(chats.typed)),
        "rows": done.get("rows", 0) / max(1, len(chats.typed)),
        "devices": sum(len(chats.wanted(text)) for text in chats.typed) / max(1, len(chats.typed)),
        "held": facts["held"],
        **_crowd(masses, p),
        **_storm(history, storm),
        **_online(facts),
    }


def _ms(seconds: Iterable[float], q: float) -> float:
    found = [*seconds]
    if not enough(len(found), q):
        return not_measurable("too few messages were shown with these parameters")
    return 1e3 * percentile(found, q)


def _crowd(masses: Sequence[Mapping[str, Any]], p: Setting) -> dict[str, float]:
    names = ("asks_a_second", "pings_a_second", "asks_a_message", "useful_of_100", "crowd_ms")
    if not masses:
        return dict.fromkeys(names, not_measurable("no crowd is simulated with these parameters"))
    most = max(masses, key=lambda one: one["users"])
    asks, messages = most["asks"], max(1, most["messages"])
    found = (
        asks / most["for_s"],
        most["pings"] / most["for_s"],
        asks / messages,
        100 * messages / max(1, asks),
        most["delay_ms"],
    )
    return dict(zip(names, found, strict=True))


def _storm(history: History, storm: Event | None) -> dict[str, float]:
    if storm is None:
        return dict.fromkeys(
            ("back_s", "tries"), not_measurable("no gateway dies with its lines with these parameters")
        )
    tries = [at for phone in history.facts["tries"] for at in phone]
    return {"back_s": float(storm.value) if storm.outcome == "ok" else NEVER, "tries": len(tries)}


def _online(facts: Mapping[str, Any]) -> dict[str, float]:
    watchers = [(device, user) for device, users in enumerate(facts["open"]) for user in users]
    if not watchers:
        names = ("ghost_s", "unseen_s", "told")
        return dict.fromkeys(names, not_measurable("nobody looks who is online with these parameters"))
    found = [mistaken(facts, device, user) for device, user in watchers]
    return {
        "ghost_s": max(ghost for ghost, _ in found),
        "unseen_s": max(unseen for _, unseen in found),
        "told": facts["told"] / max(1, facts["logins"]),
    }


def mistaken(facts: Mapping[str, Any], device: int, user: int) -> tuple[float, float]:
    """For how long at most a screen with a radio says that somebody is online all of whose devices are without one,
    and that he is not, while one of them has it, in seconds."""
    his = [facts["out"][n] for n, owner in enumerate(facts["owners"]) if owner == user]
    mine, over_s = facts["out"][device], facts["over_s"]
    said = [(at, there) for at, of, there in facts["seen"][device] if of == user]
    edges = {0.0, over_s, *(at for at, _ in said), *(at for one in (*his, mine) for out in one for at in out)}
    longest, lasts = [0.0, 0.0], [0.0, 0.0]
    times = sorted(at for at in edges if 0 <= at <= over_s)
    for at, until in pairwise(times):
        shown = next((there for when, there in reversed(said) if when <= at), False)
        there = not all(any(out <= at < back for out, back in one) for one in his)
        looks = not any(out <= at < back for out, back in mine)
        for which, wrong in enumerate((shown and not there, there and not shown)):
            lasts[which] = lasts[which] + until - at if wrong and looks else 0.0
            longest[which] = max(longest[which], lasts[which])
    return longest[0], longest[1]


def _nothing() -> float:
    return not_measurable("nothing was shown with these parameters")


# --- charts --------------------------------------------------------------------------------------------------------
def cdf(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Of 100 messages, how many are shown within so many seconds; what never is keeps the line from the top."""
    chats = Chats(history, p)
    delays = sorted(chats.delays())
    lost = sum(chats.users[device] != chats.users[chats.typed[text].device] for text, device in chats.lost())
    every = -(-len(delays) // MOST_POINTS) or 1
    found = [(delay, 100 * n / (len(delays) + lost)) for n, delay in enumerate(delays, 1)]
    return {"shown": found[:1] + found[1:-1][::every] + found[1:][-1:]}


def asked(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Questions and frames a second, by the number of users."""
    masses = [event.value for event in history.where(name="masses") if event.value]
    found = {"asked": [(float(one["users"]), one["asks"] / one["for_s"]) for one in masses if one["asks"]]}
    if any(one["pings"] for one in masses):
        found["with pings"] = [(float(one["users"]), (one["asks"] + one["pings"]) / one["for_s"]) for one in masses]
    return found


def offline(history: History, p: Setting) -> Mapping[str, Sequence[tuple[Any, ...]]]:
    """From who typed to the phones that showed it first and last, of the message for which somebody waited longest."""
    chats = Chats(history, p)
    ways = [
        (chats.first[device][text] - one.at_s, text, device)
        for text, one in chats.typed.items()
        for device in chats.wanted(text)
        if chats.users[device] != chats.users[one.device] and text in chats.first[device]
    ]
    late = max(ways, default=(0.0, "", 0))[1]
    shown = sorted(way for way in ways if way[1] == late)
    return {
        "messages": [
            (f"phone {one.device}", one.at_s, f"phone {device}", one.at_s + took_s, text.partition(" ")[0])
            for took_s, text, device in shown[:1] + shown[1:][-1:]
            for one in [chats.typed[text]]
        ]
    }
