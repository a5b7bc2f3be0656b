"""The syntax tree of a text, in spite of a mistake of CPython 3.11 that has nothing to do with the text."""

from __future__ import annotations

import ast
from typing import TypeVar

Tree = TypeVar("Tree", ast.Module, ast.Expression)
TRIES = 3


def parsed(text: str, kind: type[Tree]) -> Tree:
    """As `ast.parse`: a module, or one expression.

    While a tree is made garbage may be collected, and what runs then can make 3.11 take the depth of the text for wrong
    (SystemError; CPython's issue 106905). The next try begins to count anew.

    Raises:
        SyntaxError: it is no Python.
    """
    mode = "eval" if kind is ast.Expression else "exec"
    for left in reversed(range(TRIES)):
        try:
            tree = ast.parse(text, mode=mode)
        except SystemError:
            if left == 0:
                raise
        else:
            break
    assert isinstance(tree, kind)
    return tree
