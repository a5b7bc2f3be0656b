"""The tree of exceptions is one docstring, and this walks the classes to hold it true."""

from __future__ import annotations

import builtins
import importlib
import pkgutil
import re

import windtunnel
from windtunnel.blocks.ground import errors
from windtunnel.blocks.ground.errors import Refused
from windtunnel.lab.running.outcomes import outcome_of


def ours() -> dict[str, type[BaseException]]:
    """Every public exception of this package that a caller may see."""
    for module in pkgutil.walk_packages(windtunnel.__path__, "windtunnel."):
        if "kernels" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, todo = {}, [BaseException]
    while todo:
        for one in todo.pop().__subclasses__():
            todo.append(one)
            if one.__module__.startswith("windtunnel.") and not one.__name__.startswith("_"):
                found[one.__name__] = one
    return found


def written() -> dict[str, tuple[str, str]]:
    """Each exception's parent and word, as the docstring has them."""
    above: list[str] = []
    found = {}
    for line in (errors.__doc__ or "").splitlines():
        place = re.match(r" {4}((?:  )*)([A-Z]\w+)(?:  (\S+|\(its own\)))?(?:  |$)", line)
        if place:
            depth = len(place[1]) // 2
            above[depth:] = [place[2]]
            word = place[3] if place[3] in ("fail", "unknown", "(its own)") else ""
            found[place[2]] = (above[depth - 1] if depth else "", word)
    return found


def test_the_tree_has_every_exception_below_the_one_that_it_is_a_kind_of() -> None:
    tree, classes = written(), ours()
    assert set(classes) <= set(tree), "an exception of ours that the tree does not name"
    for name, one in classes.items():
        assert tree[name][0] == one.__mro__[1].__name__, name


def test_the_tree_names_nothing_that_is_not_there() -> None:
    for name in set(written()) - set(ours()):
        assert hasattr(builtins, name), name


def test_each_says_what_became_of_the_request_as_the_tree_has_it() -> None:
    for name, one in ours().items():
        said = written()[name][1]
        if said != "(its own)":
            assert (outcome_of(one.__new__(one)) or "") == said, name


def test_the_refusals_of_blocks_share_one_base() -> None:
    assert [name for name, (parent, _) in written().items() if parent == "Refused"] == sorted(
        one.__name__ for one in Refused.__subclasses__() if one.__module__.startswith("windtunnel.")
    )
