"""XXH3 in 64 bits with seed 0, over integers, Arrow buffers and lists of Python objects.

The oracle is the C library itself (package `xxhash`). Constants and steps follow the XXH3 specification
(https://github.com/Cyan4973/xxHash, `doc/xxhash_spec.md`).
"""

from __future__ import annotations

import numpy as np

from windtunnel.blocks.ground.kernels.words import (
    KEYS,
    Word,
    high_product,
    njit,
    read_u8,
    read_u32,
    read_u64,
    rotate_left,
    swap_bytes,
    types,
    uint64,
)

PRIME32_1 = uint64(0x9E3779B1)
PRIME32_2 = uint64(0x85EBCA77)
PRIME32_3 = uint64(0xC2B2AE3D)
PRIME64_1 = uint64(0x9E3779B185EBCA87)
PRIME64_2 = uint64(0xC2B2AE3D27D4EB4F)
PRIME64_3 = uint64(0x165667B19E3779F9)
PRIME64_4 = uint64(0x85EBCA77C2B2AE63)
PRIME64_5 = uint64(0x27D4EB2F165667C5)
PRIME_MX1 = uint64(0x165667919E3779F9)
PRIME_MX2 = uint64(0x9FB21C651E98DF25)

_SECRET_BYTES = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
SECRET = np.array([int.from_bytes(_SECRET_BYTES[i : i + 8], "little") for i in range(185)], np.uint64)
"""The word of the secret that begins at each byte: reads of it are unaligned."""


@njit
def avalanche(h: Word) -> Word:
    h = (h ^ (h >> uint64(37))) * PRIME_MX1
    return h ^ (h >> uint64(32))


@njit
def avalanche_short(h: Word) -> Word:
    h = (h ^ (h >> uint64(33))) * PRIME64_2
    h = (h ^ (h >> uint64(29))) * PRIME64_3
    return h ^ (h >> uint64(32))


@njit
def folded_product(a: Word, b: Word) -> Word:
    """Both halves of the 128-bit product, folded into one word."""
    return (a * b) ^ high_product(a, b)


@njit
def strong_mix(keyed: Word, length: Word) -> Word:
    keyed ^= rotate_left(keyed, uint64(49)) ^ rotate_left(keyed, uint64(24))
    keyed *= PRIME_MX2
    keyed ^= (keyed >> uint64(35)) + length
    keyed *= PRIME_MX2
    return keyed ^ (keyed >> uint64(28))


@njit
def hash_word(x: Word) -> Word:
    """XXH3 of the eight little-endian bytes of a word."""
    return strong_mix(rotate_left(x, uint64(32)) ^ SECRET[8] ^ SECRET[16], uint64(8))


@njit
def mix_16(at: Word, secret: Word) -> Word:
    return folded_product(read_u64(at) ^ SECRET[secret], read_u64(at + uint64(8)) ^ SECRET[secret + 8])


@njit(forceinline=True)
def hash_up_to_16(at: Word, length: Word) -> Word:
    if length > 8:
        low = read_u64(at) ^ SECRET[24] ^ SECRET[32]
        high = read_u64(at + length - uint64(8)) ^ SECRET[40] ^ SECRET[48]
        return avalanche(length + swap_bytes(low) + high + folded_product(low, high))
    if length >= 4:
        first, last = read_u32(at), read_u32(at + length - uint64(4))
        return strong_mix((last + (first << uint64(32))) ^ SECRET[8] ^ SECRET[16], length)
    if length > 0:
        first, middle = read_u8(at), read_u8(at + (length >> uint64(1)))
        last = read_u8(at + length - uint64(1))
        word = (first << uint64(16)) | (middle << uint64(24)) | last | (length << uint64(8))
        return avalanche_short(word ^ ((SECRET[0] ^ SECRET[4]) & uint64(0xFFFFFFFF)))
    return avalanche_short(SECRET[56] ^ SECRET[64])


@njit
def hash_17_to_128(at: Word, length: Word) -> Word:
    end = at + length
    total = length * PRIME64_1
    for i in range((length - uint64(1)) >> uint64(5), -1, -1):  # pairs of 16 bytes, from the middle to both ends
        total += mix_16(at + uint64(16 * i), 32 * i)
        total += mix_16(end - uint64(16 * (i + 1)), 32 * i + 16)
    return avalanche(total)


@njit
def hash_129_to_240(at: Word, length: Word) -> Word:
    total = length * PRIME64_1
    for i in range(8):
        total += mix_16(at + uint64(16 * i), 16 * i)
    total = avalanche(total)
    for i in range(8, length >> uint64(4)):
        total += mix_16(at + uint64(16 * i), 16 * (i - 8) + 3)
    total += mix_16(at + length - uint64(16), 119)
    return avalanche(total)


@njit
def accumulate(lanes: np.ndarray, at: Word, secret: Word) -> None:
    """Take in one stripe of 64 bytes."""
    for i in range(8):
        word = read_u64(at + uint64(8 * i))
        keyed = word ^ SECRET[secret + 8 * i]
        lanes[i ^ 1] += word
        lanes[i] += (keyed & uint64(0xFFFFFFFF)) * (keyed >> uint64(32))


@njit
def hash_long(at: Word, length: Word) -> Word:
    """More than 240 bytes: blocks of 16 stripes, the lanes scrambled after each."""
    lanes = np.array(
        [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1], dtype=np.uint64
    )
    stripes = (length - uint64(1)) >> uint64(6)
    for n in range(stripes):
        accumulate(lanes, at + uint64(64) * uint64(n), 8 * (n & 15))
        if n & 15 == 15:
            for i in range(8):
                lanes[i] = (lanes[i] ^ (lanes[i] >> uint64(47)) ^ SECRET[128 + 8 * i]) * PRIME32_1
    accumulate(lanes, at + length - uint64(64), 121)
    total = length * PRIME64_1
    for i in range(4):
        total += folded_product(lanes[2 * i] ^ SECRET[11 + 16 * i], lanes[2 * i + 1] ^ SECRET[19 + 16 * i])
    return avalanche(total)


@njit(forceinline=True)
def hash_bytes(at: Word, length: Word) -> Word:
    """XXH3 of the bytes at an address."""
    if length <= 16:
        return hash_up_to_16(at, length)
    if length <= 128:
        return hash_17_to_128(at, length)
    if length <= 240:
        return hash_129_to_240(at, length)
    return hash_long(at, length)


@njit(types.void(KEYS, types.uint64[::1]), cache=True)
def hash_words(words: np.ndarray, out: np.ndarray) -> None:
    """Hash each integer."""
    for i in range(words.size):
        out[i] = hash_word(words[i])


@njit
def hash_column(offsets: np.ndarray, values: int, out: np.ndarray) -> None:
    for i in range(out.size):
        start = uint64(offsets[i])
        out[i] = hash_bytes(values + start, uint64(offsets[i + 1]) - start)


OFFSETS_32 = types.Array(types.int32, 1, "C", readonly=True)
OFFSETS_64 = types.Array(types.int64, 1, "C", readonly=True)


@njit(
    [
        types.void(OFFSETS_32, types.uint64, types.uint64[::1]),
        types.void(OFFSETS_64, types.uint64, types.uint64[::1]),
    ],
    cache=True,
)
def hash_offsets(offsets: np.ndarray, values: int, out: np.ndarray) -> None:
    """Hash each value of an Arrow string or binary column.

    `values` is the address of its bytes; value `i` lies from `offsets[i]` to `offsets[i + 1]`.
    """
    hash_column(offsets, values, out)


# CPython's stable interface, called by name while the caller holds the interpreter's lock. A list is walked at more
# than 100 million items a second this way; an iterator that hands out Python objects reaches 15.
get_item = types.ExternalFunction("PyList_GetItem", types.uintp(types.uintp, types.intp))
get_type = types.ExternalFunction("PyObject_Type", types.uintp(types.uintp))
release = types.ExternalFunction("Py_DecRef", types.void(types.uintp))
text_of = types.ExternalFunction("PyUnicode_AsUTF8AndSize", types.uintp(types.uintp, types.CPointer(types.intp)))
bytes_of = types.ExternalFunction("PyBytes_AsString", types.uintp(types.uintp))
size_of_bytes = types.ExternalFunction("PyBytes_Size", types.intp(types.uintp))
integer_of = types.ExternalFunction(
    "PyLong_AsLongLongAndOverflow", types.int64(types.uintp, types.CPointer(types.intc))
)
clear_error = types.ExternalFunction("PyErr_Clear", types.void())


@njit(
    types.intp(types.uintp, types.intp, types.intp, types.uintp, types.uintp, types.uintp, types.uint64[::1]),
    cache=True,
)
def hash_list(items: int, start: int, stop: int, text: int, binary: int, integer: int, out: np.ndarray) -> int:
    """Hash the items of the list at an address; `text`, `binary` and `integer` are the addresses of the types.

    The hash of item `start` goes to the front of `out`. Returns `stop`, or the index of the first item that is
    none of these (or an integer beyond int64, or a text with no UTF-8, or is not there): the caller has to see to it.
    No call made here runs Python code, so the list cannot change underneath.
    """
    length = np.zeros(1, np.intp)
    overflow = np.zeros(1, np.intc)
    for i in range(start, stop):
        item = get_item(items, i)
        if item == 0:
            clear_error()
            return i
        kind = get_type(item)
        release(kind)
        if kind == text:
            at = text_of(item, length.ctypes)
            if at == 0:
                clear_error()
                return i
            out[i - start] = hash_bytes(uint64(at), uint64(length[0]))
        elif kind == integer:
            value = integer_of(item, overflow.ctypes)
            if overflow[0] != 0:
                return i
            out[i - start] = hash_word(uint64(value))
        elif kind == binary:
            out[i - start] = hash_bytes(uint64(bytes_of(item)), uint64(size_of_bytes(item)))
        else:
            return i
    return stop


def warm() -> None:
    """Call each kernel once."""
    words, out = np.zeros(1, np.uint64), np.zeros(1, np.uint64)
    hash_words(words, out)
    for offsets in (np.zeros(2, np.int32), np.zeros(2, np.int64)):
        hash_offsets(offsets, words.ctypes.data, out)
    items = ["a"]
    hash_list(id(items), 0, 1, id(str), id(bytes), id(int), out)
