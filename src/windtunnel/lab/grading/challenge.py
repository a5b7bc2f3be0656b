"""Challenges: an experiment whose column "yours" is still empty.

A challenge's file is an ordinary Python file that says which experiment it answers and defines one design class. The
stub that we write holds the lesson and the naive design under another name: it runs, and it is wrong.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from windtunnel.lab.discovery import find
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment, idea

YOURS = "yours"
"""The name of the challenger's design in demands and tables."""
MARK = "challenge"


def challenge_of(path: Path) -> Experiment[Any]:
    """The experiment that a file answers, read without running the file. Raises WrongInput."""
    if not path.is_file():
        raise WrongInput(f"There is no file {path}; `windtunnel new NAME` writes one to start from.")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise WrongInput(f"{path} cannot be read: {error.msg} in line {error.lineno}.") from None
    except (ValueError, OSError) as error:
        raise WrongInput(f"{path} cannot be read: {error}.") from None
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(found))) if name == MARK:
                return demanding(find(found))
    raise WrongInput(f'{path} does not say what it answers; write {MARK} = "q10-ticketmaster", or another experiment.')


def demanding(experiment: Experiment[Any]) -> Experiment[Any]:
    """The experiment itself, where it can be taken as a challenge. Raises WrongInput where it demands nothing."""
    if not experiment.demands:
        raise WrongInput(f"{experiment.id} makes no demands on a design of yours; it can be run, not taken.")
    return experiment


def stub(experiment: Experiment[Any]) -> str:
    """A file to start from: lesson, demands, and the naive design as a class of your own."""
    name, naive = next(iter(demanding(experiment).designs.items()))
    lines = [
        f"Challenge: {experiment.question}",
        "",
        *experiment.lesson.splitlines(),
        "",
        "Your design has to hold to:",
        *(f"- {claim.expression}: {claim.because}" for claim in experiment.demands),
    ]
    lines += ["", "    windtunnel watch FILE     judge it whenever you save", "    windtunnel grade FILE     all of it"]
    lesson = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    body = textwrap.dedent(inspect.getsource(naive)).replace(f"class {naive.__name__}", "class Yours", 1)
    doc = inspect.getdoc(naive)
    if doc:
        body = body.replace(doc, f"Starts as {name}: {idea(naive)[:1].lower()}{idea(naive)[1:]}", 1)
    head = f'"""{lesson}\n"""\n\nfrom __future__ import annotations\n\n{_imports(naive, body)}'
    return f'{head}\n{MARK} = "{experiment.id}"\n\n\n{body}'


def write_stub(experiment: Experiment[Any], path: Path) -> Path:
    """Write the stub. Raises WrongInput where there is a file already: nothing of yours is lost."""
    text = stub(experiment)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise WrongInput(f"{path} is there already; give another name, or take it away first.") from None
    return path


def _imports(naive: Callable[..., object], body: str) -> str:
    """What the class needs of its module: as that module imports it, or from that module."""
    module = sys.modules[naive.__module__]
    needed = {n.id for n in ast.walk(ast.parse(body)) if isinstance(n, ast.Name)} & vars(module).keys()
    whole, parts = [], dict[str, list[str]]()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Import):
            whole += [f"import {a.name}" for a in node.names if (a.asname or a.name.partition(".")[0]) in needed]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            for alias in node.names:
                if (alias.asname or alias.name) in needed:
                    parts.setdefault(node.module, []).append(
                        alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
                    )
    brought = {name.rpartition(" ")[2] for names in parts.values() for name in names}
    brought |= {line.removeprefix("import ").partition(".")[0] for line in whole}
    own = sorted(needed - brought)
    if own:
        parts.setdefault(naive.__module__, []).extend(own)
    lines = sorted(whole) + [""] * bool(whole)
    lines += [f"from {source} import {', '.join(sorted(names))}" for source, names in sorted(parts.items())]
    return "\n".join(lines) + "\n" if lines else ""
