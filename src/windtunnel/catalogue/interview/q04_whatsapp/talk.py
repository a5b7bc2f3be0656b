"""Who talks with whom, and when; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from windtunnel import Op
from windtunnel.workload import poisson

PLACES = 12
"""Effects of gateways, or of them and phones, behind a message, before one of which something goes wrong."""
AGAIN_OF_100 = 50
"""So often who has said something in a chat says the same again there, as people say yes."""
FILL = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
"""A message has forty letters."""
TEXT = re.compile(rf"\d{{4}} {FILL}")


def devices_of(p: Any) -> list[int]:
    """The user of each device: every second user has two."""
    return [user for user in range(int(p.users)) for _ in range(2 - user % 2)]


def chats_of(p: Any) -> list[list[int]]:
    """The users of each chat: a group of all, and one of each two neighbours."""
    users = range(int(p.users))
    pairs = {tuple(sorted((user, (user + 1) % int(p.users)))) for user in users}
    return [[*users], *map(list, sorted(pairs))]


def text_of(number: int) -> str:
    """The message of this number."""
    return f"{number:04d} {FILL}"


def named(said: Iterable[tuple[int, str]]) -> list[str]:
    """Names of messages, of chat and text, in the order in which they were typed or shown: who says the same again in
    a chat has said another message."""
    count: Counter[tuple[int, str]] = Counter()
    names = []
    for one in said:
        count[one] += 1
        names.append(one[1] if count[one] == 1 else f"{one[1]} ({count[one]})")
    return names


def talk(p: Any, luck: Random) -> Iterator[Op]:
    """`say(device, chat, text, how, place)`, at random; `storm()` in the middle; `masses(users)` beside."""
    users, chats = devices_of(p), chats_of(p)
    troubles = ["kill"] * int(p.kills) + ["vanish"] * int(p.cuts)
    hit = luck.sample(range(int(p.messages)), min(len(troubles), int(p.messages)))
    how = dict(zip(hit, troubles, strict=False))
    texts: dict[tuple[int, int], str] = {}
    for number, at in enumerate(poisson(1 / p.every_s, luck, count=int(p.messages))):
        device = luck.randrange(len(users))
        chat = luck.choice([chat for chat, members in enumerate(chats) if users[device] in members])
        place = int(p.place) or luck.randrange(1, PLACES + 1)
        if (device, chat) not in texts or luck.randrange(100) >= AGAIN_OF_100:
            texts[device, chat] = text_of(number)
        yield Op(at, f"phone {device}", "say", (device, chat, texts[device, chat], how.get(number, ""), place))
    if p.storm:
        yield Op(int(p.messages) * p.every_s / 2, "the power", "storm")
    for users_ in sizes(p):
        yield Op(0.0, f"masses {users_}", "masses", (users_,), think_s=0.0)


def sizes(p: Any) -> list[int]:
    """Of the crowds that are measured: each ten times the last."""
    return [size for size in (10, 100, 1000, 10_000, 100_000) if size <= p.crowd]
