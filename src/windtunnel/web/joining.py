"""Modules of JavaScript as one script, for a page that is a file: a browser loads no module beside it from a disk.

Ours are plain enough for that: imports by name from files beside them, `export` before a function, class or constant.
Each becomes a function that returns what it exports, after those that it imports.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from windtunnel.web.files import files

IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"([^"]+)";', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async function|function|class|const|let) ([\w$]+))", re.MULTILINE)
LEFT = re.compile(r"^(?:import|export)\b|\bimport\(", re.MULTILINE)


def joined(entry: str, texts: Mapping[str, str] | None = None) -> str:
    """The module at this address with all that it imports, as one script.

    Raises:
        ValueError: a module is not as plain as that, imports what is not there, or imports itself in a circle.
    """
    if texts is None:
        texts = {path: file.data.decode() for path, file in files().items() if path.endswith(".js")}
    numbers: dict[str, int] = {}
    pieces: list[str] = []
    _add(entry, texts, numbers, pieces, ())
    return '"use strict";\n' + "\n".join(pieces)


def _add(
    path: str, texts: Mapping[str, str], numbers: dict[str, int], pieces: list[str], above: tuple[str, ...]
) -> None:
    if path in numbers:
        return
    if path in above or path not in texts:
        raise ValueError(f"{path} cannot be joined: it {'imports itself' if path in above else 'is not there'}.")
    text, names = texts[path], []
    for match in IMPORT.finditer(text):
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[2]))
        _add(other, texts, numbers, pieces, (*above, path))
        names.append(f"const {{{match[1].replace(' as ', ': ')}}} = m{numbers[other]};")
    exported = [match[2] for match in EXPORT.finditer(text)]
    body = EXPORT.sub(r"\1", IMPORT.sub("", text))
    if LEFT.search(body):
        raise ValueError(f"{path} cannot be joined: it imports or exports in another way.")
    numbers[path] = len(numbers)
    inner = "\n".join((*names, body.strip(), f"return {{{', '.join(exported)}}};"))
    pieces.append(f"const m{numbers[path]} = (() => {{\n{inner}\n}})();")
