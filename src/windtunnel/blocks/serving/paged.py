"""PagedAttention's block manager: keys and values in blocks of fixed size, found by a table for each sequence.

A sequence takes a block when it needs one, so less than a block of each is waste, and any free block will do. Blocks
are counted: who begins with the same tokens reads the same blocks, and writes to none that another one reads.

Kwon, Li, Zhuang and others, Efficient Memory Management for Large Language Model Serving with PagedAttention, SOSP
2023, section 4. Names of blocks as in vLLM: a chain of SHA-256, each over the name before and the tokens of the block.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import number, whole
from windtunnel.blocks.serving.memory import KVUsage, ends_at
from windtunnel.blocks.serving.sequence import Sequence


class BlockManager(Block):
    """Blocks of a memory of `blocks` times `block_size` slots. It says who has which; what stands there it never sees.

    A block has as many owners as tables that name it. Without owners it is free; a free one that has a name is kept
    for whoever begins with the same tokens until its room is needed, the longest unused first.

    Args:
        blocks: how many there are.
        block_size: tokens in each; vLLM's default is 16.
        share: whether blocks are found again by their names.
        watermark: the share of all blocks that stays free when a sequence begins beside others, so that these can grow.

    >>> manager = BlockManager(blocks=4, block_size=2)
    >>> one = Sequence("one", [1, 2, 3], max_tokens=4)
    >>> manager.allocate(one), one.blocks, manager.free_blocks
    (True, [0, 1], 2)
    """

    def __init__(self, blocks: int, block_size: int = 16, *, share: bool = True, watermark: float = 0.01) -> None:
        self.blocks = whole(blocks, "The number of blocks", 1)
        self.block_size = whole(block_size, "The size of a block in tokens", 1)
        self.share = bool(share)
        self.watermark = number(watermark, "The watermark, a share of all blocks,", 0)
        if self.watermark >= 1:
            raise ValueError(f"The watermark is a share of all blocks below 1, not {self.watermark:g}.")
        self._kept_free = int(self.watermark * self.blocks)
        self._owners = [0] * self.blocks
        self._free = OrderedDict.fromkeys(range(self.blocks))  # the next to be taken stands first
        self._name: list[bytes | None] = [None] * self.blocks
        self._named: dict[bytes, int] = {}
        self.hits = 0
        """Tokens that `allocate` found in the memory."""
        self.asked = 0
        """Tokens that `allocate` looked for."""

    @property
    def free_blocks(self) -> int:
        """Blocks without owners, those kept for their names included."""
        return len(self._free)

    @property
    def cached_blocks(self) -> int:
        """Free blocks that have a name: what could be shared, and goes where room is needed."""
        return sum(self._name[block] is not None for block in self._free)

    def owners(self, block: int) -> int:
        """How many tables name this block."""
        return self._owners[block]

    def check(self, sequence: Sequence) -> None:
        """Raises ValueError for a sequence that the memory could not hold if it were alone."""
        needs = self._blocks_for(sequence.longest - 1)
        if needs > self.blocks:
            raise ValueError(
                f"{sequence.name!r} may become {sequence.longest} tokens, which are {needs} blocks of"
                f" {self.block_size}, and there are {self.blocks}: let its answer be shorter, or the memory larger."
            )

    def allocate(self, sequence: Sequence) -> bool:
        """Blocks for all tokens that it has, shared where its beginning is in the memory; False where there is no room.

        One token at least is left to be computed: without that the model would have nothing to answer from. Nothing is
        remembered of a call that returns False. Raises ValueError for a sequence that has blocks.
        """
        if sequence.blocks:
            raise ValueError(f"{sequence.name!r} has {len(sequence.blocks)} blocks already: free them first.")
        found = self._find(sequence)
        fresh = self._blocks_for(len(sequence.tokens)) - len(found)
        idle = sum(self._owners[block] == 0 for block in found)  # these are taken from the free ones too
        beside = self._kept_free if len(self._free) < self.blocks else 0
        if fresh + idle + beside > len(self._free):
            return False
        for block in found:
            self._own(block)
        sequence.blocks = found + [self._take() for _ in range(fresh)]
        sequence.computed = len(found) * self.block_size
        sequence.named = len(found)
        self.hits += sequence.computed
        self.asked += len(sequence.tokens)
        return True

    def fork(self, parent: Sequence, child: Sequence) -> None:
        """Let `child`, whose tokens are those of `parent` so far, read its blocks: for several answers to one prompt.

        Whoever of the two writes first to a block that both have gets a copy of it (`grow`). Raises ValueError where
        the tokens, the salts or the adapters differ, or the child has blocks.
        """
        refused = {
            "has blocks already": bool(child.blocks),
            "has other tokens": child.tokens != parent.tokens,
            "has another salt": child.salt != parent.salt,
            "has another adapter": child.adapter != parent.adapter,
        }
        if why := next((why for why, so in refused.items() if so), ""):
            raise ValueError(f"{child.name!r} {why}: fork into a new sequence with the tokens of {parent.name!r}.")
        for block in parent.blocks:
            self._own(block)
        child.blocks = list(parent.blocks)
        child.computed, child.named = parent.computed, parent.named

    def grow(self, sequence: Sequence, length: int) -> list[tuple[int, int]] | None:
        """Blocks of its own to write from `computed` to `length`; which slots are copied before; None without room.

        Copies are made in the order of the calls that asked for them, before anything of the step is written.
        """
        first, size = sequence.computed // self.block_size, self.block_size
        blocks = sequence.blocks
        if first == len(blocks) - 1 and length <= len(blocks) * size and self._owners[blocks[first]] == 1:
            return []  # into its last block, as most do
        shared = [i for i in range(first, len(blocks)) if self._owners[blocks[i]] > 1]
        fresh = self._blocks_for(length) - len(sequence.blocks)
        if fresh <= 0 and not shared:
            return []
        fresh = max(0, fresh)
        if fresh + len(shared) > len(self._free):
            return None
        copies = list[tuple[int, int]]()
        for i in shared:
            old, new = sequence.blocks[i], self._take()
            self._owners[old] -= 1  # others have it, so it does not become free
            sequence.blocks[i] = new
            copies += [(old * size + k, new * size + k) for k in range(max(0, sequence.computed - i * size))]
        sequence.blocks += [self._take() for _ in range(fresh)]
        return copies

    def shrink(self, sequence: Sequence) -> None:
        """Take back the blocks behind its last token: those of guesses that were rejected."""
        for block in reversed(sequence.blocks[(needed := self._blocks_for(len(sequence.tokens))) :]):
            self._disown(block)
        del sequence.blocks[needed:]

    def publish(self, sequence: Sequence) -> None:
        """Give a name to each block that its computed tokens fill. Where another block has the name, that keeps it."""
        if not self.share:
            return
        full = sequence.computed // self.block_size
        if full > sequence.named:
            self._chain(sequence, full)
            for i in range(sequence.named, full):
                key, block = sequence.keys[i], sequence.blocks[i]
                if key not in self._named and self._name[block] is None:
                    self._name[block] = key
                    self._named[key] = block
            sequence.named = full

    def free(self, sequence: Sequence) -> None:
        """Give up all its blocks, the last first, so that beginnings stay longest. Raises ValueError if it has none."""
        if not sequence.blocks:
            raise ValueError(f"{sequence.name!r} has no blocks: it was freed, or never had any.")
        for block in reversed(sequence.blocks):
            self._disown(block)
        sequence.blocks = []
        sequence.computed = sequence.named = 0

    def slot(self, sequence: Sequence, position: int) -> int:
        """Where the keys and values of its token at this position lie, from 0."""
        return sequence.blocks[position // self.block_size] * self.block_size + position % self.block_size

    def usage(self, sequences: Iterable[Sequence]) -> KVUsage:
        """What the memory is used for, if these have all blocks that are owned; a shared slot is counted once."""
        written, wanted = dict[int, int](), dict[int, int]()
        for sequence in sequences:
            ends = ends_at(sequence)
            for i, block in enumerate(sequence.blocks):
                begin = i * self.block_size
                written[block] = max(written.get(block, 0), min(self.block_size, sequence.computed - begin))
                wanted[block] = max(wanted.get(block, 0), min(self.block_size, ends - begin))
        slots, tokens = self.blocks * self.block_size, sum(max(0, one) for one in written.values())
        reserved = sum(max(0, wanted[block] - max(0, written[block])) for block in wanted)
        held = len(wanted) * self.block_size
        return KVUsage(slots, tokens, reserved, held - tokens - reserved, slots - held)

    def _blocks_for(self, length: int) -> int:
        return -(-length // self.block_size)

    def _chain(self, sequence: Sequence, full: int) -> None:
        """Names for its first blocks. They depend on what it is alone, and stay true when its blocks are gone."""
        size = self.block_size
        if sequence.block_size != size:  # another memory named them
            sequence.keys, sequence.block_size = [], size
        keys = sequence.keys
        while len(keys) < full:
            before = keys[-1] if keys else sha256(_beginning(sequence)).digest()
            block = sequence.tokens[len(keys) * size : (len(keys) + 1) * size]
            keys.append(sha256(before + array("q", block).tobytes()).digest())

    def _find(self, sequence: Sequence) -> list[int]:
        """The blocks that hold its beginning, all but one token of it at most."""
        found = list[int]()
        if self.share:
            full = (len(sequence.tokens) - 1) // self.block_size
            self._chain(sequence, full)
            for key in sequence.keys[:full]:
                block = self._named.get(key)
                if block is None:
                    break
                found.append(block)
        return found

    def _own(self, block: int) -> None:
        if self._owners[block] == 0:
            del self._free[block]
        self._owners[block] += 1

    def _disown(self, block: int) -> None:
        self._owners[block] -= 1
        if self._owners[block] == 0:
            self._free[block] = None
            if self._name[block] is None:
                self._free.move_to_end(block, last=False)  # of use to nobody

    def _take(self) -> int:
        """A free block, without its old name: what it was called it will not be."""
        block, _ = self._free.popitem(last=False)
        name = self._name[block]
        if name is not None:
            del self._named[name]
            self._name[block] = None
        self._owners[block] = 1
        return block

    def _told(self) -> dict[str, object]:
        return {"blocks": self.blocks, "block_size": self.block_size, "free": self.free_blocks}


def _beginning(sequence: Sequence) -> bytes:
    """What keys and values depend on besides the tokens: an adapter makes others of the same ones."""
    if not sequence.adapter:
        return b"salt" + sequence.salt
    return b"adapter" + sha256(sequence.adapter.encode()).digest() + sequence.salt
