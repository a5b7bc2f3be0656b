"""Carts are joined by putting all items together; what was taken out on one side only is on the other still."""

from __future__ import annotations

from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica

challenge = "cap"


class Yours(EachItsOwn):
    async def change_at(self, me: Replica, cart: str, item: str, put: bool) -> None:
        adds, removed = me.both(cart)
        if put:
            me.join({cart: (frozenset({(item, self.stage.request)}), removed)})
        else:
            me.sets[cart] = frozenset(one for one in adds if one[0] != item), removed
