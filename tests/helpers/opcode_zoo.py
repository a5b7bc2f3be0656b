"""A program that uses most opcodes, in frames of every kind."""

PROGRAM = r"""
import asyncio, contextlib
from contextlib import *
class A:
    x: int = 1
    def __init__(self, v): self.v = v; super().__init__()
    def __pos__(self): return +self.v
    def __enter__(self): return self
    def __exit__(self, *a): return True
    def __call__(self, *a, **k): return a, k
    @property
    def p(self): return self.v
class B(A):
    def __init__(self): super().__init__(3); self.q = super().p
def g(n):
    for i in range(n):
        try:
            got = yield i
        except ValueError as e:
            yield str(e)
        finally:
            n += 1
def d(n):
    r = yield from g(n)
    return r
def f(a, *b, c=1, **k):
    def inner(z): nonlocal a; a += z; return [a for _ in range(2)]
    out = inner(1)
    with A(1) as x, suppress(KeyError):
        raise KeyError(a)
    try:
        try:
            1/0
        except ZeroDivisionError as e:
            w = lambda: e
            raise RuntimeError from e
    except* RuntimeError:
        pass
    for i in [1,2,3]:
        if i == 2: continue
        while i:
            i -= 1
            if i > 5: break
        else: out.append(f"{i!r:>3} {i} {i:x} {a!r}")
    match k:
        case {"u": [1, y, *rest], **others}: out += rest
        case _: del out[:1]
    s = out[1:2]; out[0:1] = [9]; s2 = {**k, "a": 1}; t = [*b, *out]; q = (lambda *a, **k: (a, k))(*t, **s2)
    u = {i: j for i, j in zip(t, t)}; v = {i for i in t}; first, *last = t; one, two = 1, 2
    assert out is not None and not (a in {99}), "no"
    x2 = A(1)(1, 2, z=3); xx = +A(1); yy = -1 if a else ~a
    z = a < 5 < 6 or b
    return sum(1 for i in t)
def h():
    it = d(2); next(it);
    try: it.throw(ValueError("x"))
    except StopIteration: pass
    it.close();
async def co():
    await asyncio.sleep(0)
    async with contextlib.AsyncExitStack() as s: pass
    async def ag():
        yield 1
        yield 2
    async for v in ag(): pass
    l = [v async for v in ag()]
    try:
        await asyncio.wait_for(asyncio.sleep(1), 0.001)
    except asyncio.TimeoutError: pass
f(1, 2, 3, c=4, u=[1, 2, 3]); h(); asyncio.run(co()); B()
"""
