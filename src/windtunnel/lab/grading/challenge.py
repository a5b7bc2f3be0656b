"""Challenges: an experiment whose column "yours" is still empty.

A challenge's file is an ordinary Python file that says which experiment it answers and defines one design class. The
stub that we write holds the lesson and the naive design under another name: it runs, and it is wrong.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from windtunnel.faces import lent_by
from windtunnel.lab.claims import applies, speaks_of
from windtunnel.lab.discovery import find
from windtunnel.lab.errors import WrongInput, unread, unwritten
from windtunnel.lab.experiment import Experiment, idea
from windtunnel.lab.params import settings

YOURS = "yours"
"""The name of the challenger's design in demands and tables."""
MARK = "challenge"
LINE = 120


def challenge_of(path: Path) -> Experiment[Any]:
    """The experiment that a file answers, read without running the file. Raises WrongInput."""
    if not path.is_file():
        raise WrongInput(f"There is no file {path}; `windtunnel new NAME` writes one to start from.")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise WrongInput(unread(path, error)) from None
    except (ValueError, OSError) as error:
        raise WrongInput(f"{path} cannot be read: {error}.") from None
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(found))) if name == MARK:
                return demanding(find(found))
    raise WrongInput(f'{path} does not say what it answers; write {MARK} = "q10-ticketmaster", or another experiment.')


def demanding(experiment: Experiment[Any]) -> Experiment[Any]:
    """The experiment itself, where it can be taken as a challenge.

    Raises WrongInput where it demands nothing, or something that grading would never judge: it plays one design beside
    yours, and while things go wrong none.
    """
    if not experiment.demands:
        raise WrongInput(f"{experiment.id} makes no demands on a design of yours; it can be run, not taken.")
    par = reference(experiment)
    usual = [settings(experiment.params, told) for told in (experiment.quick, {})]
    for demand in experiment.demands:
        named = speaks_of(demand.expression)
        where = [usual[0] | dict(demand.given)] if demand.given else usual
        for name in named:
            if name not in (YOURS, par):
                raise _unjudged(demand.expression, f"speaks of {name}; it can speak of {YOURS} and of {par} alone")
        if YOURS not in named:
            raise _unjudged(demand.expression, f"does not speak of {YOURS}")
        if demand.always and named != [YOURS]:
            raise _unjudged(demand.expression, f"is made always; under attack it can speak of {YOURS} alone, not {par}")
        if not any(applies(demand.where, found) for found in where):
            raise _unjudged(demand.expression, f"is made only where {demand.where}, and no trial is played there")
    return experiment


def reference(experiment: Experiment[Any]) -> str:
    """The design that is played beside yours: the last one, which is the best."""
    return [name for name in experiment.designs if name != YOURS][-1]


def _unjudged(expression: str, why: str) -> WrongInput:
    return WrongInput(f"The demand {expression!r} would never be judged: it {why}.")


def planted(name: str, checkout: Path) -> list[Path]:
    """The wrong and right designs that the tests of a checkout plant for an experiment."""
    folder = checkout / "tests" / "planted" / name.replace("-", "_")
    return sorted(path for kind in ("wrong", "right") for path in folder.glob(f"{kind}_*.py"))


def stub(experiment: Experiment[Any], hints: bool = False) -> str:
    """A file to start from: what is asked, the demands, and the naive design as a class of your own.

    Args:
        hints: with the whole lesson and the hints, which tell how it is done.
    """
    name, naive = next(iter(demanding(experiment).designs.items()))
    lines = [
        f"Challenge: {experiment.question}",
        "",
        *_told(experiment, hints),
        "",
        "Your design has to hold to:",
        *(_wrapped(f"- {claim.expression}: {claim.because}", "  ") for claim in experiment.demands),
        *_words(experiment),
    ]
    lines += ["", "    windtunnel watch FILE     judge it whenever you save", "    windtunnel grade FILE     all of it"]
    lesson = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    body = textwrap.dedent(inspect.getsource(naive)).replace(f"class {naive.__name__}", "class Yours", 1)
    doc = inspect.getdoc(naive)
    if doc:
        body = body.replace(doc, _wrapped(f"Starts as {name}: {idea(naive)[:1].lower()}{idea(naive)[1:]}", "    "), 1)
    head = f'"""{lesson}\n"""\n\nfrom __future__ import annotations\n\n{_imports(naive, body, experiment.module)}'
    return f'{head}\n{MARK} = "{experiment.id}"\n\n\n{body}'


def write_stub(experiment: Experiment[Any], path: Path, hints: bool = False) -> Path:
    """Write the stub. Raises WrongInput where there is a file already: nothing of yours is lost."""
    text = stub(experiment, hints)
    try:
        file = path.open("x", encoding="utf-8")
    except FileExistsError:
        raise WrongInput(f"{path} is there already; give another name, or take it away first.") from None
    except OSError as error:
        raise WrongInput(unwritten(path, error)) from error
    try:
        with file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)  # half a stub would stand in the way of the next try
        raise WrongInput(unwritten(path, error)) from error
    return path


def _told(experiment: Experiment[Any], hints: bool) -> list[str]:
    """The lesson as far as it asks: it names its answers from the paragraph on that is headed Design."""
    paragraphs = experiment.lesson.split("\n\n")
    if hints:
        told = [_wrapped(f"Hint {number}: {hint}", "  ") for number, hint in enumerate(experiment.hints, 1)]
        return [*experiment.lesson.splitlines(), "", *told]
    asked = [text for text in paragraphs if text.lstrip("*").startswith(("Clarify", "Estimate"))]
    first = re.split(r"(?<=[.?])\s", paragraphs[0])[0]
    lines = "\n\n".join([first, *asked]).splitlines()
    return [*lines, "", f"The lesson, with its answer: windtunnel show {experiment.id}"]


def _imports(naive: Callable[..., object], body: str, home: str) -> str:
    """What the class needs of its module: as that module imports it, or from that module.

    What the files of an experiment's folder lend each other comes from the experiment: a challenger knows no more.

    Args:
        home: the experiment's own module.
    """
    module = sys.modules[naive.__module__]
    needed = {n.id for n in ast.walk(ast.parse(body)) if isinstance(n, ast.Name)} & vars(module).keys()
    whole, parts = [], dict[str, list[str]]()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Import):
            whole += [f"import {a.name}" for a in node.names if (a.asname or a.name.partition(".")[0]) in needed]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            if node.module.startswith(f"{home}."):
                continue
            for alias in node.names:
                if (alias.asname or alias.name) in needed:
                    parts.setdefault(node.module, []).append(
                        alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
                    )
    brought = {name.rpartition(" ")[2] for names in parts.values() for name in names}
    brought |= {line.removeprefix("import ").partition(".")[0] for line in whole}
    own = sorted(needed - brought)
    if own:
        parts.setdefault(home, []).extend(own)
    lines = [*whole, *(_from(source, sorted(names)) for source, names in parts.items())]
    # As isort has it: Python's own, then ours, a blank line between.
    blocks = [sorted(line for line in lines if _is_pythons(line) == own) for own in (True, False)]
    for block in blocks:
        block.sort(key=lambda line: (line.startswith("from "), line))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n" if lines else ""


def _is_pythons(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _from(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    return line if len(line) <= LINE else "\n".join([f"from {module} import (", *(f"    {n}," for n in names), ")"])


def _wrapped(text: str, indent: str) -> str:
    """Within a line's width, quotes and indentation of a docstring included."""
    return textwrap.fill(text, LINE - 10, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _words(experiment: Experiment[Any]) -> list[str]:
    """Where the ports that this experiment's designs talk to are described, and which words they have."""
    import windtunnel.engines
    from windtunnel.engines.registry import ports

    asked = set(re.findall(r"\bstage\.(\w+)\(", inspect.getsource(sys.modules[experiment.module])))
    lines: list[str] = []
    for port in sorted(asked & ports().keys()):
        module = f"{windtunnel.engines.__name__}.{port}.port"
        words = sorted(name for name, (home, _) in lent_by(windtunnel.engines.__name__).items() if home == module)
        lines += ["", f"What `stage.{port}` gives you is described here: python -m pydoc {module}"]
        lines += [_wrapped(f"Its words: from windtunnel.engines import {', '.join(words)}", "    ")] if words else []
    return lines
