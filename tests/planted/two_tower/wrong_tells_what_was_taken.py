"""Tells the items of the highest scores, those that the user has taken among them."""

from __future__ import annotations

from windtunnel.catalogue.ai.two_tower import Array
from windtunnel.catalogue.ai.two_tower.designs import InClosedForm

challenge = "two-tower"


class Yours(InClosedForm):
    def recommend(self, users: Array, k: int) -> Array:
        told: Array = self.model.recommend(users, k)
        return told
