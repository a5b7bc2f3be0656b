"""Ways to read something shared, each with a statement that changes what is read, in opcodes that versions differ in.

A thread that reads twice can be overtaken between: an explorer that proves that both readings are the same has missed
that the two touch one thing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from windtunnel.explore import RealThreads

BEFORE = """
import builtins
import contextlib
import functools
import operator
import types

G = 1
TABLE = {"x": 1, "y": 2}

class Base:
    k = 1
    def m(self): return 1
    @property
    def p(self): return 1

class Sub(Base):
    def above(self): return super().k
    def above_call(self): return super().m()
    def above_property(self): return super().p
    def above_named(self): return super(Sub, self).k

class Box:
    def __init__(self): self.v = 1; self.w = 2; self.items = [1, 2, 3]; self.d = {"x": 1}; self.s = {1}
    def __pos__(self): return self.v
    def __neg__(self): return -self.v
    def __invert__(self): return ~self.v
    def __bool__(self): return self.v == 1
    def __len__(self): return self.v
    def __format__(self, spec): return spec + str(self.v)
    def __str__(self): return str(self.v)
    def __getitem__(self, key): return (key, self.v)
    def __contains__(self, one): return one == self.v
    def __iter__(self): return iter([self.v])
    def __call__(self, *args, **named): return self.v, args, named
    def __eq__(self, other): return self.v == 1
    def __lt__(self, other): return self.v < other
    def __add__(self, other): return self.v + other
    def get(self, a=0, *, b=0): return self.v, a, b
    @property
    def p(self): return self.v
    @classmethod
    def c(cls): return G
    @staticmethod
    def t(): return G

class Opens:
    def __init__(self, box): self.box = box
    def __enter__(self): return self.box.v
    def __exit__(self, kind, error, trace): self.box.seen = self.box.v; return True

def through(f, *args, **named): return f(*args, **named)

def numbers(box):
    got = yield box.v
    yield got, box.v

def fails(box):
    raise KeyError(box.v)

def both(box):
    return [box.v]

def cells():
    n = 1
    def read(): return n
    def read_in_list(): return [n + i for i in range(2)]
    def in_a_class():
        class Here:
            k = n
        return Here.k
    def write(value):
        nonlocal n
        n = value
    return read, read_in_list, in_a_class, write

box, sub, Moved = Box(), Sub(), type("Moved", (Base,), {})
read_cell, read_cell_in_list, read_cell_in_a_class, write_cell = cells()
part = functools.partial(box.get, b=2)
its = [1]
module = types.ModuleType("module")
module.level = builtins.one_for_all = 1
raw = bytearray(b"raw")
view = memoryview(raw)
def with_default(a=1): return a
"""

READS: Mapping[str, tuple[str, str]] = {
    "super": ("sub.above()", "Base.k = 2"),
    "super_by_names": ("sub.above_named()", "Base.k = 2"),
    "method_of_super": ("sub.above_call()", "Base.m = lambda self: 2"),
    "property_of_super": ("sub.above_property()", "Base.p = property(lambda self: 2)"),
    "attribute_of_a_class": ("Sub.k", "Base.k = 2"),
    "attribute_behind_an_instance": ("sub.k", "Base.k = 2"),
    "attribute_of_a_class_in_a_format": ("'{0.k}'.format(sub)", "Base.k = 2"),
    "attribute_of_a_class_by_a_getter": ("operator.attrgetter('k')(Sub)", "Base.k = 2"),
    "attribute_behind_an_instance_by_a_getter": ("operator.attrgetter('k')(sub)", "Base.k = 2"),
    "attribute_of_a_module": ("module.level", "module.level = 2"),
    "attribute_of_a_module_by_a_getter": ("operator.attrgetter('level')(module)", "module.level = 2"),
    "default_argument": ("with_default()", "with_default.__defaults__ = (2,)"),
    "byte_of_a_view": ("view[0]", "raw[0] = 9"),
    "method": ("box.get()", "box.v = 2"),
    "method_with_names": ("box.get(1, b=2)", "box.v = 2"),
    "method_that_is_kept": ("through(box.get, 1)", "box.v = 2"),
    "call_with_stars": ("box.get(*its, **{'b': 3})", "box.v = 2"),
    "call_with_stars_of_what_changes": ("box(*box.items)", "box.items.append(4)"),
    "call_with_names_of_what_changes": ("box(**box.d)", "box.d['z'] = 4"),
    "call_of_an_instance": ("box(1)", "box.v = 2"),
    "partial": ("part(1)", "box.v = 2"),
    "property": ("box.p", "box.v = 2"),
    "classmethod": ("Box.c()", "globals()['G'] = 2"),
    "staticmethod": ("box.t()", "globals()['G'] = 2"),
    "builtin_with_names": ("sorted(box.items, reverse=True)", "box.items.append(4)"),
    "max_with_key": ("max(box.items, key=lambda one: -one)", "box.items.append(0)"),
    "slice": ("box.items[0:2]", "box.items[0] = 9"),
    "slice_from_the_end": ("box.items[-1:]", "box.items[2] = 9"),
    "slice_with_steps": ("box.items[::2]", "box.items[2] = 9"),
    "slice_of_an_object": ("box[0:1]", "box.v = 2"),
    "item": ("box.items[0]", "box.items[0] = 9"),
    "item_that_a_slice_sets": ("box.items[0]", "box.items[0:1] = [9]"),
    "item_that_a_slice_deletes": ("box.items[0]", "del box.items[0:1]"),
    "item_of_a_dict": ("TABLE['x']", "TABLE['x'] = 2"),
    "item_of_a_dict_in_place": ("TABLE['x']", "TABLE['x'] += 2"),
    "format": ("f'{box}'", "box.v = 2"),
    "format_with_a_spec": ("f'{box:>4}'", "box.v = 2"),
    "format_with_a_spec_in_a_spec": ("f'{box:{box.w}}'", "box.w = 9"),
    "repr_in_a_format": ("f'{box.items!r}'", "box.items[0] = 9"),
    "repr_in_a_format_with_a_spec": ("f'{box.items!r:>20}'", "box.items[0] = 9"),
    "str_in_a_format": ("f'{box!s:>5}'", "box.v = 2"),
    "percent": ("'%s' % box.items", "box.items[0] = 9"),
    "str_format": ("'{0.v}'.format(box)", "box.v = 2"),
    "unary_plus": ("+box", "box.v = 2"),
    "unary_minus": ("-box", "box.v = 2"),
    "unary_invert": ("~box", "box.v = 2"),
    "truth": ("(1 if box else 2)", "box.v = 2"),
    "truth_of_a_list": ("(1 if box.items else 2)", "box.items.clear()"),
    "not_a_list": ("not box.items", "box.items.clear()"),
    "and_of_a_list": ("(its and 1)", "its.clear()"),
    "or_of_a_list": ("(box.s or 1) and len(box.s)", "box.s.clear()"),
    "while_of_a_list": ("[1 for _ in its]", "its.clear()"),
    "length": ("len(box)", "box.v = 2"),
    "contains": ("1 in box", "box.v = 2"),
    "contains_in_a_set": ("1 in box.s", "box.s.discard(1)"),
    "not_in_a_dict": ("'q' not in TABLE", "TABLE['q'] = 1"),
    "equality": ("box == 5", "box.v = 2"),
    "equality_of_lists": ("its == [1]", "its[0] = 2"),
    "order": ("box < 2", "box.v = 2"),
    "order_in_a_chain": ("0 < box.v < 2", "box.v = 2"),
    "comparison_as_a_condition": ("('yes' if box.items == [1, 2, 3] else 'no')", "box.items[0] = 9"),
    "sum_of_two": ("box + 1", "box.v = 2"),
    "sum_of_lists": ("its + [3]", "its[0] = 2"),
    "list_of_all": ("[*box]", "box.v = 2"),
    "unpacking": ("(lambda first, *rest: first)(*its, 0)", "its[0] = 2"),
    "dict_of_all": ("{**TABLE}", "TABLE['x'] = 2"),
    "merged_dict": ("{'n': 1} | TABLE", "TABLE['x'] = 2"),
    "list_comprehension": ("[one for one in box.items]", "box.items[0] = 9"),
    "list_comprehension_of_attributes": ("[box.v for _ in range(1)]", "box.v = 2"),
    "nested_comprehension": ("[[box.v for _ in range(1)] for _ in range(1)]", "box.v = 2"),
    "dict_comprehension": ("{k: v for k, v in TABLE.items()}", "TABLE['x'] = 2"),
    "set_comprehension": ("{one for one in its}", "its[0] = 2"),
    "generator": ("sum(one for one in box.items)", "box.items[0] = 9"),
    "generator_of_attributes": ("next(numbers(box))", "box.v = 2"),
    "cell": ("read_cell()", "write_cell(2)"),
    "contents_of_a_cell": ("read_cell.__closure__[0].cell_contents", "write_cell(2)"),
    "cell_that_is_filled_by_another": ("read_cell()", "read_cell.__closure__[0].cell_contents = 2"),
    "cell_in_a_comprehension": ("read_cell_in_list()", "write_cell(2)"),
    "cell_in_a_class": ("read_cell_in_a_class()", "write_cell(2)"),
    "global": ("G", "globals()['G'] = 2"),
    "builtin": ("one_for_all", "builtins.one_for_all = 2"),
    "getattr": ("getattr(box, 'v')", "setattr(box, 'v', 2)"),
    "own_dict": ("vars(box)['v']", "box.v = 2"),
    "attribute_that_is_deleted": ("hasattr(box, 'w')", "del box.w"),
    "map": ("list(map(str, its))", "its[0] = 2"),
    "zip": ("list(zip(its, its))", "its[0] = 2"),
    "any": ("any(one == 2 for one in its)", "its[0] = 2"),
    "lambda": ("(lambda: box.v)()", "box.v = 2"),
    "walrus": ("[(seen := box.v), seen][0]", "box.v = 2"),
}

BODIES: Mapping[str, tuple[str, str]] = {
    "with": ("with Opens(box) as got: pass", "box.v = 2"),
    "with_that_swallows": ("with Opens(box): raise KeyError\n    got = box.seen", "box.v = 2"),
    "except": ("try: fails(box)\n    except KeyError as error: got = error.args", "box.v = 2"),
    "reading_in_an_except": ("try: raise KeyError\n    except KeyError: got = box.v", "box.v = 2"),
    "reading_in_a_finally": ("try: pass\n    finally: got = box.v", "box.v = 2"),
    "except_group": (
        "try: raise ExceptionGroup('g', [KeyError(box.v)])\n    except* KeyError as g: got = g.exceptions[0].args",
        "box.v = 2",
    ),
    "match_of_an_attribute": (
        "match box:\n        case Box(v=1): got = 1\n        case _: got = 2", "box.v = 2",
    ),
    "match_of_an_attribute_of_a_class": (
        "match sub:\n        case Sub(k=1): got = 1\n        case _: got = 2", "Base.k = 2",
    ),
    "match_of_a_list": ("match its:\n        case [1]: got = 1\n        case _: got = 2", "its[0] = 2"),
    "match_of_a_dict": ("match TABLE:\n        case {'x': 1}: got = 1\n        case _: got = 2", "TABLE['x'] = 2"),
    "loop": ("got = []\n    for one in box.items: got.append(one)", "box.items[2] = 9"),
    "loop_with_else": ("got = []\n    for one in its: got.append(one)\n    else: got.append(box.v)", "box.v = 2"),
    "unpacked": ("(got, *rest) = its + [5]", "its[0] = 2"),
    "unpacked_pair": ("a, got, c = box.items", "box.items[1] = 9"),
    "sent": ("g = numbers(box)\n    next(g)\n    got = g.send(7)", "box.v = 2"),
    "yield_from": ("def d():\n        return (yield from numbers(box))\n    got = list(d())", "box.v = 2"),
    "in_place": ("got = []\n    got += its", "its[0] = 2"),
    "augmented": ("got = 0\n    got += box.v", "box.v = 2"),
    "class_body": ("class Here:\n        k = box.v\n    got = Here.k", "box.v = 2"),
    "default": ("def f(a=box.v): return a\n    got = f()", "box.v = 2"),
    "deleted_name": ("one = box.v\n    got = one\n    del one", "box.v = 2"),
    "cell_of_its_own": ("one = box.v\n    got = (lambda: one)()", "box.v = 2"),
}  # fmt: skip


def program(name: str, locked: bool) -> RealThreads:
    """Two readings, and a change beside them; `locked`: each thread has one lock all the time."""
    if name in READS:
        expression, changes = READS[name]
        body = f"got = {expression}"
    else:
        body, changes = BODIES[name]
    text = f"{BEFORE}\ndef reading():\n    {body}\n    return got\n\ndef changes():\n    {changes}\n"
    code = compile(text, f"<{name}>", "exec")

    def make() -> tuple[Mapping[str, Callable[[], object]], None]:
        space: dict[str, Any] = {"__name__": name}
        exec(code, space)
        lock = threading.Lock()

        def look() -> None:
            first = space["reading"]()
            second = space["reading"]()
            assert first == second, "it has changed between"

        change = space["changes"]

        def look_alone() -> None:
            with lock:
                look()

        def change_alone() -> None:
            with lock:
                change()

        return ({"look": look_alone, "change": change_alone} if locked else {"look": look, "change": change}), None

    return RealThreads(make)
