"""A block at work: a Bloom filter in front of a table, so that what is certainly not there is not looked up.

Blocks are ordinary Python. They know nothing of the tunnel, and are pip-installed with it.
"""

import sqlite3
from contextlib import closing

from windtunnel.blocks.sketches import BloomFilter

MEMBERS, STRANGERS = 20_000, 20_000


def main() -> None:
    with closing(sqlite3.connect(":memory:")) as table:
        fill_and_ask(table)


def fill_and_ask(table: sqlite3.Connection) -> None:
    table.execute("CREATE TABLE url (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    names = [f"https://example.org/{i}" for i in range(MEMBERS)]
    table.executemany("INSERT INTO url (name) VALUES (?)", [(name,) for name in names])

    seen = BloomFilter(capacity=MEMBERS, error_rate=0.01)
    for name in names:
        seen.add(name)

    looked_up = found = 0
    for asked in names + [f"https://example.org/stranger/{i}" for i in range(STRANGERS)]:
        if asked in seen:  # "certainly not" or "probably"
            looked_up += 1
            found += table.execute("SELECT 1 FROM url WHERE name = ?", (asked,)).fetchone() is not None

    print(f"{found} of {MEMBERS} members found: a filter never misses one")
    wasted = looked_up - found
    print(f"{wasted} of {STRANGERS} strangers looked up in vain, {wasted / STRANGERS:.2%}; 1 % was promised")
    print(f"{seen.size_bits / 8 / MEMBERS:.1f} bytes a name instead of {sum(map(len, names)) / MEMBERS:.1f}")


if __name__ == "__main__":
    main()
