"""Which real systems the lessons and sources speak of: what they say, word for word, and in which experiment.

The names are the field's; an experiment is found by its text alone. Files are read and not run, as for a list.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from windtunnel.lab.cards import Card, cards
from windtunnel.lab.discovery import modules
from windtunnel.lab.doubt.source import text_at

SYSTEMS = {
    "Amazon": r"Amazon|AWS|DynamoDB|Dynamo",
    "Apple": r"Apple|FoundationDB",
    "Cassandra": r"Cassandra",
    "Cloudflare": r"Cloudflare",
    "Discord": r"Discord",
    "Elasticsearch": r"Elasticsearch",
    "Envoy": r"Envoy",
    "etcd": r"etcd",
    "Facebook": r"Facebook|Fail at Scale|Maurer",
    "Finagle (Twitter)": r"Finagle|Twitter",
    "GitHub": r"GitHub",
    "Google": r"Google|SRE book|Spanner|Bigtable|BigTable|The Tail at Scale",
    "HikariCP": r"HikariCP|Hikari",
    "Kafka": r"Kafka",
    "Kubernetes": r"Kubernetes",
    "LinkedIn": r"LinkedIn",
    "Linux": r"Linux|fq_codel",
    "memcached": r"memcached|Memcache",
    "MongoDB": r"MongoDB",
    "Netflix (Hystrix)": r"Netflix|Hystrix",
    "nginx": r"nginx|NGINX",
    "PostgreSQL": r"PostgreSQL|Postgres|pgbouncer|PgBouncer",
    "Redis, Valkey": r"Redis|Valkey",
    "Resilience4j": r"[Rr]esilience4j",
    "Shopify": r"Shopify",
    "Slack": r"Slack",
    "Stripe": r"Stripe",
    "Ticketmaster": r"Ticketmaster",
    "Uber": r"Uber",
    "vLLM": r"vLLM",
    "WeChat": r"WeChat|DAGOR",
    "WhatsApp": r"WhatsApp",
    "wrk, wrk2": r"wrk2?",
    "YouTube": r"YouTube|Prequal",
    "ZooKeeper": r"ZooKeeper|Zookeeper",
}
SENTENCE = re.compile(r"(?<=[.?!:])\s+(?=[A-Z*`])")


@dataclass(frozen=True, slots=True)
class Mention:
    """What an experiment says of a system: a sentence of its lesson, or the title of a source."""

    card: Card
    said: list[str]


@lru_cache(maxsize=1)
def systems() -> dict[str, list[Mention]]:
    """The experiments that speak of each system, by its name; those of which nobody speaks are left out."""
    said = [(card, list(_sentences(card.id))) for card in cards()]
    found: dict[str, list[Mention]] = {}
    for name, words in SYSTEMS.items():
        pattern = re.compile(rf"\b(?:{words})\b")
        for card, sentences in said:
            mine = [s for s in sentences if pattern.search(s)]
            if mine:
                found.setdefault(name, []).append(Mention(card, mine[:3]))
    return found


def _sentences(name: str) -> Iterator[str]:
    """The sentences of the lesson, then the titles of the sources."""
    spec = importlib.util.find_spec(modules()[name])
    if spec is None or spec.origin is None:
        return
    text = text_at(Path(spec.origin))
    first = ast.get_docstring(ast.parse(Path(spec.origin).read_text("utf-8"))) or ""
    for paragraph in first.split("\n\n"):
        for sentence in SENTENCE.split(" ".join(paragraph.split())):
            if "{" not in sentence:  # a number that is filled in when the module is loaded
                yield re.sub(r"\*\*|`", "", sentence)
    for node in re.finditer(r"Source\(\s*\"([^\"]+)\",\s*(\d{4})", text):
        yield f"{node[1]} ({node[2]})"
