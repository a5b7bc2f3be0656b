"""Finding experiments: every file below a package that binds `experiment` is one, under its own name.

Files are looked at before they are imported, so that running one experiment does not import all others.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windtunnel.lab.errors import WrongInput, raised, suggest

if TYPE_CHECKING:
    from windtunnel.lab.experiment import Experiment

CATALOGUE = "windtunnel.catalogue"
TRACKS = ("concurrency", "scale", "ai", "interview")
BINDS = re.compile(r"^experiment(: [^=]+)? = ", re.MULTILINE)


@cache
def modules(package: str = CATALOGUE) -> dict[str, str]:
    """The module of each experiment by its id, in the order of the tracks, then of folders and files."""
    spec = importlib.util.find_spec(package)
    found: dict[str, str] = {}
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for module in sorted(_below(Path(folder), package), key=lambda m: _place(m, package)):
            name = module.rpartition(".")[2].replace("_", "-")
            if name in found:
                raise WrongInput(f"{found[name]} and {module} have the same name; rename one of the files.")
            found[name] = module
    return found


def _below(folder: Path, package: str) -> list[str]:
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.is_dir():
            own = path / "__init__.py"
            if own.is_file() and _binds(own):
                found.append(f"{package}.{path.name}")  # an experiment with parts of its own
            else:
                found += _below(path, f"{package}.{path.name}")
        elif path.suffix == ".py" and _binds(path):
            found.append(f"{package}.{path.stem}")
    return found


def _binds(path: Path) -> bool:
    return BINDS.search(path.read_text(encoding="utf-8")) is not None


def _place(module: str, package: str) -> tuple[int, str]:
    track = module.removeprefix(f"{package}.").partition(".")[0]
    return (TRACKS.index(track) if track in TRACKS else -1, module)


def track_of(module: str) -> str:
    """The folder of the catalogue in which a module stands; "" outside of one."""
    parts = module.split(".")
    return parts[2] if parts[:2] == CATALOGUE.split(".") and len(parts) > 3 else ""


def find(name: str, package: str = CATALOGUE) -> Experiment[Any]:
    """The experiment of this name, or the one in a file of yours. Raises WrongInput, with near names."""
    if name.endswith(".py"):
        return load(_beside(Path(name)))
    known = modules(package)
    key = name.lower().replace("_", "-")
    if key not in known:
        raise WrongInput(suggest(name, known, "experiment"))
    return load(known[key])


def _beside(path: Path) -> str:
    """The module of an experiment in a file outside of the catalogue: what `import` finds under its name, from now on.

    Workers find it too, and whatever the file imports from its own folder. The folder comes last, so that nothing in it
    stands in the place of a module that everybody knows.
    """
    if not path.is_file():
        raise WrongInput(f"There is no file {path}.")
    if not path.stem.isidentifier():
        raise WrongInput(f"{path} cannot be imported under its name; take letters, digits and _.")
    try:
        if not _binds(path):
            raise WrongInput(f"{path} holds no experiment; bind one with `experiment = Experiment(...)`.")
    except UnicodeDecodeError as error:
        raise WrongInput(f"{path} cannot be read: {error.reason}.") from None
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    importlib.invalidate_caches()
    spec = importlib.util.find_spec(path.stem)
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != path.resolve():
        there = "another module" if spec is None else spec.origin
        raise WrongInput(f"{path} has the name of {there}; give it one of its own.")
    return path.stem


def load(module: str) -> Experiment[Any]:
    """The experiment of a module. Raises WrongInput where it holds none."""
    from windtunnel.lab.experiment import Experiment

    try:
        found = importlib.import_module(module).experiment
    except WrongInput as error:
        raise WrongInput(f"{module} cannot be loaded: {error}") from error
    except Exception as error:
        import traceback

        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
        raise WrongInput(f"{module} cannot be loaded: {raised(error)} at {place}.") from error
    if not isinstance(found, Experiment):
        raise WrongInput(f"{module}.experiment is no Experiment but {type(found).__name__}.")
    if found.module != module:
        raise WrongInput(f"{module} has a params class from {found.module}; define it in the experiment's own file.")
    return found


def every(package: str = CATALOGUE) -> Sequence[Experiment[Any]]:
    """All experiments, in order."""
    return [load(module) for module in modules(package).values()]
