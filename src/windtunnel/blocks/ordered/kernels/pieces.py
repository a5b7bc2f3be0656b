"""Storage that grows without a pause: units of a few words in pieces that never move once they are whole.

An array that is full is copied to a longer one, and whoever adds one item too many waits for all the others. Here room
for more is one more piece, and a kernel gets the addresses of the pieces. Unit `u` of `words` words lies in piece
`u >> bits`, and a unit never lies in two. The first piece starts small and doubles until it is whole, so that small
sets stay small. What still grows as a whole is the list of addresses: eight bytes for a piece of 32 or 64 KiB.

A kernel that would need room where there is none stops and says how far it came; the caller adds a piece and calls
again. Addresses are not checked as indices of arrays are; what is searched or moved inside of a unit is looked at as an
array (`floats_at`, `words_at`), and so is under the tests' bounds checks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite has no types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from windtunnel.blocks.ground.kernels import words as machine
from windtunnel.blocks.ground.kernels.words import njit, read_u8, types

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.int64]
    Address: TypeAlias = Any
    Int: TypeAlias = Any
    """An int64 inside of a kernel, as an address is: no Python type says it."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

BYTES = 8
FEW = 16
"""Units of the first piece where they are small."""


ALONE = 8
SLAB = 1 << 21
"""Words of an array that the system gives in large pages: from 4 MiB on, all but its ends."""


class Arena:
    """Arrays of one size, zeroed when they are handed out.

    The first few are allocated one by one. Later ones are cut from arrays of 16 MiB: the system gives memory when it is
    first touched, so that costs nothing at once, and it gives such long arrays in pages of 2 MiB. Searches that jump
    about need those: small ones are more than the processor remembers the places of.
    """

    def __init__(self, words: int) -> None:
        self._words, self._made = words, 0
        self._slab: NDArray[np.int64] = np.empty((0, words), np.int64)
        self._cut = 0
        self._given_back: list[Words] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_slab": self._slab[:0], "_cut": 0, "_given_back": []}

    def take(self) -> Words:
        if self._given_back:
            array = self._given_back.pop()
        elif self._made < ALONE:
            self._made += 1
            return np.zeros(self._words, np.int64)
        else:
            if self._cut == len(self._slab):
                self._slab, self._cut = np.empty((SLAB // self._words, self._words), np.int64), 0
            array = self._slab[self._cut]
            self._cut += 1
        array.fill(0)
        return array

    def give(self, array: Words) -> None:
        """Take an array back, to hand it out again."""
        self._given_back.append(array)


def own(array: NDArray[Any]) -> NDArray[Any]:
    """An array that nobody else has: one out of a pickle may be a look at memory that the pickle's owner keeps."""
    return array if array.flags.owndata else array.copy()


class Pieces:
    """Units of `words` words each, `1 << bits` of them a piece. `at` is what kernels get: the address of each piece."""

    def __init__(self, bits: int, words: int = 1, fill: float | None = 0) -> None:
        """With `fill` NaN units are floats, with None objects of Python, else integers."""
        self._bits, self._words, self._fill = bits, words, fill
        self._pieces: list[NDArray[Any]] = []
        self._arena = Arena(words << bits)
        self.at = np.zeros(FEW, np.int64)
        self.units = 0
        self.moved = 0
        """How many words all growth so far has copied, addresses included."""
        self.grow()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "at"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._pieces = [own(piece) for piece in self._pieces]
        self.at = np.zeros(max(FEW, 1 << len(self._pieces).bit_length()), np.int64)
        for i, piece in enumerate(self._pieces):
            self.at[i] = piece.ctypes.data

    def grow(self) -> None:
        """Room for more: the first piece twice as long until it is whole, then another piece."""
        whole = self._words << self._bits
        if self._pieces and self._pieces[0].size < whole:
            larger = self._piece(2 * self._pieces[0].size)
            larger[: self._pieces[0].size] = self._pieces[0]
            self.moved += self._pieces[0].size
            self._pieces[0] = larger
        else:
            self._pieces.append(self._piece(whole if self._pieces else self._words * (FEW if self._words < FEW else 1)))
        last = len(self._pieces) - 1
        if last == self.at.size:
            self.at = np.concatenate([self.at, np.zeros_like(self.at)])
            self.moved += last
        self.at[last] = self._pieces[last].ctypes.data
        self.units = (last << self._bits) + self._pieces[last].size // self._words

    def grow_to(self, units: int) -> bool:
        """Room for so many units; whether any was made."""
        had = self.units
        while self.units < units:
            self.grow()
        return self.units > had

    def put(self, units: Words, values: list[Any] | None) -> None:
        """Set units of one word; None sets all of them to it."""
        if units.size == 1:
            at = int(units[0])
            self._pieces[at >> self._bits][at & ((1 << self._bits) - 1)] = None if values is None else values[0]
            return
        new = np.empty(units.size, np.object_)
        new[:] = values
        pieces = units >> self._bits
        order = np.argsort(pieces, kind="stable")
        bounds = [0, *(np.flatnonzero(np.diff(pieces[order])) + 1).tolist(), units.size]
        for start, stop in itertools.pairwise(bounds if units.size else []):
            some = order[start:stop]
            self._pieces[int(pieces[some[0]])][units[some] & ((1 << self._bits) - 1)] = new[some]

    def _piece(self, size: int) -> NDArray[Any]:
        if self._fill is None:
            return np.empty(size, np.object_)
        piece = self._arena.take() if size == self._words << self._bits else np.zeros(size, np.int64)
        if self._fill:
            piece.view(np.float64).fill(self._fill)
        return piece


def objects_of(addresses: Words) -> NDArray[np.object_]:
    """The objects of Python that lie at these addresses, in an array that borrows them: their holder must stay."""

    class Interface:
        __array_interface__ = {  # noqa: RUF012  # NumPy's protocol, read once
            "shape": addresses.shape,
            "typestr": "|O",
            "data": (addresses.ctypes.data, False),
            "version": 3,
        }

    return np.asarray(Interface())


def _access(bits: Any, kind: Any) -> tuple[Any, Any]:
    """Intrinsics that read and write a value at an address."""

    def read(typing_context: Any, address: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.load(builder.inttoptr(arguments[0], bits.as_pointer()))

        return kind(types.int64), build

    def write(typing_context: Any, address: Any, value: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            builder.store(arguments[1], builder.inttoptr(arguments[0], bits.as_pointer()))
            return context.get_dummy_value()

        return types.none(types.int64, kind), build

    return intrinsic(read), intrinsic(write)


word: Callable[[Address], Int]
set_word: Callable[[Address, Int], None]
number: Callable[[Address], float]
set_number: Callable[[Address, float], None]
word, set_word = _access(ir.IntType(64), types.int64)
number, set_number = _access(ir.DoubleType(), types.float64)


def _window(kind: Any) -> Any:
    """An intrinsic that looks at memory as an array of so many values, which nobody counts references to."""

    def window(typing_context: Any, address: Any, count: Any) -> Any:
        array = types.Array(kind, 1, "C")
        made_array: Any = make_array(array)  # type: ignore[no-untyped-call]  # Numba's own are untyped

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            made = made_array(context, builder)
            size = context.get_constant(types.intp, BYTES)
            pointer = builder.inttoptr(arguments[0], context.get_data_type(kind).as_pointer())
            populate_array(made, pointer, [arguments[1]], [size], size, None)  # type: ignore[no-untyped-call]  # as above
            return made._getvalue()

        return array(types.int64, types.intp), build

    return intrinsic(window)


floats_at: Callable[[Address, int], NDArray[np.float64]] = _window(types.float64)
words_at: Callable[[Address, int], Words] = _window(types.int64)


class Compiles(Protocol):
    """A decorator that leaves the type of a function as it is."""

    def __call__(self, function: FunctionT, /) -> FunctionT: ...


part: Compiles = njit(inline="always")
"""Compiles what is a part of every kernel that calls it: an address is one addition."""
inner: Compiles = machine.inner


@part
def unit(at: Words, index: Int, bits: int, words: int) -> Address:
    """Where a unit begins."""
    return at[index >> bits] + (index & ((1 << bits) - 1)) * (words * BYTES)


@part
def byte(address: Address) -> Int:
    return np.int64(read_u8(np.uint64(address)))


def warm() -> None:
    """Nothing to call: these are parts of kernels."""
