"""What a server of a language model has: memory for weights and adapters, and passes, each of which is charged.

Tokens are really computed, by a small model with made weights: whoever mixes adapters up is found out. What a pass
takes is counted in bytes and operations of Llama-2-7B with adapters of rank 16, on an A100 of 80 GB.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence as List
from dataclasses import replace
from functools import cache
from random import Random
from typing import Protocol

from windtunnel import Stage
from windtunnel.blocks.serving import (
    AdapterPool,
    Decoder,
    LoraAdapter,
    ModelShape,
    ModelWeights,
    Sequence,
    copied,
    made_adapter,
    made_weights,
    merge_adapter,
)
from windtunnel.sim import Lock

LAYERS, WIDTH, HIDDEN, RANK, VOCABULARY = 32, 4096, 11_008, 16, 32_000
"""Of Llama-2-7B, and of the adapters on all seven matrices of a layer."""
LINEAR = LAYERS * (4 * WIDTH * WIDTH + 3 * WIDTH * HIDDEN)
ALL = LINEAR + 2 * VOCABULARY * WIDTH
ADAPTER = LAYERS * RANK * (4 * (WIDTH + WIDTH) + 3 * (WIDTH + HIDDEN))
"""Numbers of 16 bits: in the matrices of all layers, in all weights, and in an adapter."""
PASS_S = 11e-3
"""To read all weights: a step at batch 1 and short sequences (Punica, section 2.1)."""
READ_S = PASS_S / (2 * ALL)
"""A byte."""
TOKEN_S = 2 * ALL / (0.5 * 312e12)
"""To compute a token: half of the data sheet's operations a second, assumed."""
BUS_S = 1 / 31.5e9
"""A byte from the host's memory, at the full speed of PCIe 4.0 with 16 lanes."""
LOAD_S = 2 * ADAPTER * BUS_S
MERGE_S = 2 * 2 * LINEAR * READ_S
"""All matrices are read and written."""
ADDED_S = 2 * ADAPTER * READ_S
"""To read one adapter in a pass."""
SMALL = ModelShape(vocabulary=64, width=64, layers=1, heads=2, kv_heads=1, head_width=16, hidden=64, positions=64)
SMALL_RANK, MOST, PROMPT = 4, 32, 4
"""The rank of the adapters that are really computed, how many there are, and the tokens of a prompt."""


class Setting(Protocol):
    """What the parameters have."""

    @property
    def adapters(self) -> int: ...

    @property
    def batch(self) -> int: ...

    @property
    def places(self) -> int: ...


@cache
def base() -> ModelWeights:
    """A head of its own, or the model would say the same word again and again."""
    return replace(made_weights(SMALL), head=made_weights(SMALL, 1).head)


@cache
def adapter(name: str) -> LoraAdapter:
    """As loud as the model itself, so that hardly any two tenants are told the same."""
    return made_adapter(SMALL, SMALL_RANK, seed=int(name), loudness=1.0)


def prompt_of(number: int) -> list[int]:
    luck = Random(number)
    return [luck.randrange(SMALL.vocabulary) for _ in range(PROMPT)]


class Device:
    """Weights in which one adapter at a time may be merged, copies of them, and a pool with places for adapters.

    It computes one pass or merges at a time, and brings one adapter at a time, which may be beside a pass: whoever asks
    for more waits in line. An adapter can be read when it has come, and its place is not given away while a pass reads.

    Attributes:
        passes, rows: so far, and the tokens that they computed.
        loads, merges: adapters brought over the bus, and passes over the weights that changed them.
        given: tokens that were computed, by the sequences' names.
        first: when a sequence was given its first token, and when its adapter had last been brought, by its name.
        spent_s: for how long the device worked, by what for; "weights" is what its passes had taken without adapters.
    """

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.sim = stage.sim
        self._pool = AdapterPool(SMALL, p.places, SMALL_RANK)
        self._slots = p.batch * SMALL.positions
        self._weights = copied(base())
        self._models = {"": Decoder(self._weights, self._slots)}
        self._pooled = self._uses_base = False
        self.passes = self.rows = self.loads = self.merges = 0
        self.spent_s = {"weights": 0.0, "adapters": 0.0, "bus": 0.0, "merging": 0.0}
        self.given: dict[object, list[int]] = {}
        self.first: dict[object, tuple[float, float]] = {}
        self._ready: dict[str, float] = {}
        self._computing, self._bus = Lock(self.sim, "the device"), Lock(self.sim, "the bus")
        self._read = set[str]()
        self.steps: list[tuple[float, int]] = []

    @property
    def there(self) -> list[str]:
        """Whose adapters are in the pool, the least recently used first."""
        return self._pool.names

    @property
    def memory(self) -> float:
        """What is held, in weights of one model: nobody holds what no pass reads; embedding and head are there once."""
        matrices = (len(self._models) - 1 + self._uses_base) * LINEAR
        return (ALL - LINEAR + matrices + self._pooled * self._pool.places * ADAPTER) / ALL

    def copy(self, name: str) -> None:
        """Have the weights once more, with this adapter in them; the embedding and the head are shared."""
        own = copied(base())
        merge_adapter(own, adapter(name))
        self._models[name] = Decoder(own, self._slots)

    async def load(self, name: str, needed: Collection[str] = ()) -> int:
        """Bring an adapter into the pool, if it is not there; its place. As `AdapterPool.load`."""
        self._pooled = True
        async with self._bus:
            place = self._pool.place(name)
            if place is None:
                self.loads += 1
                await self._work("bus", LOAD_S)
                place = self._pool.load(name, adapter(name), {*needed, *self._read})
                self._ready[name] = self.sim.now
        return place

    async def merge(self, add: str = "", remove: str = "") -> None:
        """Put an adapter into the weights and take another one out, in one pass over them."""
        if add:
            async with self._bus:
                await self._work("bus", LOAD_S)
        async with self._computing:
            for name, times in ((remove, -1.0), (add, 1.0)):
                if name:
                    merge_adapter(self._weights, adapter(name), times)
            self.merges += 1
            await self._work("merging", MERGE_S)
        if add:
            self._ready[add] = self.sim.now

    async def forward(self, sequences: List[Sequence], places: List[int] = (), copy: str = "") -> None:
        """One pass: the next token of each of these.

        Args:
            sequences: that have a place on the device, each once.
            places: of the pool, where each one's adapter is, -1 for none; no adapter is added where empty.
            copy: the adapter that is in the copy which computes; the weights that are merged into without.
        """
        async with self._computing:
            await self._pass(sequences, places, copy)

    async def _pass(self, sequences: List[Sequence], places: List[int], copy: str) -> None:
        if len({one.name for one in sequences}) < len(sequences) or any(one.state == "finished" for one in sequences):
            raise ValueError("A pass computes sequences that run, each once.")
        if not sequences:
            return
        rows, wanted = list[tuple[int, int, int]](), list[int]()
        for k, one in enumerate(sequences):
            rows += [(one.tokens[at], at, k) for at in range(one.computed, len(one.tokens))]
            wanted.append(len(rows) - 1)
        pool = self._pool if places else None
        self._uses_base |= not copy
        tables = [list(one.blocks) for one in sequences]
        logits = self._models[copy].forward(rows, tables, SMALL.positions, wanted, pool, places)
        added = len({place for place in places if place >= 0})
        alone_s = max(PASS_S, len(rows) * TOKEN_S)
        self.passes += 1
        self.rows += len(rows)
        self.steps.append((self.sim.now, len(sequences)))
        self._read = {one.adapter for one, place in zip(sequences, places, strict=False) if place >= 0}
        await self._work("weights", alone_s)
        await self._work("adapters", max(PASS_S + added * ADDED_S, alone_s) - alone_s)
        self._read = set()
        for one, law in zip(sequences, logits, strict=True):
            one.computed = len(one.tokens)
            token = int(law.argmax())
            self.given.setdefault(one.name, []).append(token)
            self.first.setdefault(one.name, (self.sim.now, self._ready.get(one.adapter, -1.0)))
            one.give(token)

    async def _work(self, what: str, seconds: float) -> None:
        self.spent_s[what] += seconds
        await self.sim.sleep(seconds)
