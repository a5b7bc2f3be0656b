"""A race, found: unmodified threads, stopped before each step that touches something shared.

The explorer tries schedules until a check fails, and then looks for the simplest one that fails alike.
"""

import threading

from windtunnel.explore import DPOR, RealThreads, explore, picture, simplest


class Stock:
    """One ticket. `guarded` says whether looking and taking are one step."""

    def __init__(self, guarded: bool) -> None:
        self.left, self.sold = 1, 0
        self.guarded = guarded
        self.lock = threading.Lock()

    def buy(self) -> None:
        if self.guarded:
            with self.lock:
                self.take()
        else:
            self.take()

    def take(self) -> None:
        if self.left > 0:
            self.left -= 1
            self.sold += 1


def shop(guarded: bool) -> RealThreads:
    """Two buyers of the last ticket, and what must be true when both have left."""

    def make():  # fresh for each schedule
        stock = Stock(guarded)

        def check() -> None:
            assert stock.sold == 1, f"{stock.sold} tickets sold of 1"

        return {"ann": stock.buy, "bob": stock.buy}, check

    return RealThreads(make)


def main() -> None:
    found = explore(shop(guarded=False), DPOR())
    assert found.failure is not None
    print(f"schedule {found.schedules} of the unguarded shop: {found.failure.sentence}")
    print(picture(simplest(shop(guarded=False), found.failure)).text(width=72))
    held = explore(shop(guarded=True), DPOR())
    print(f"with a lock: all {held.schedules} schedules tried, none fails: {held.complete and held.failure is None}")


if __name__ == "__main__":
    main()
