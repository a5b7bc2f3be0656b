"""An experiment with a change in its text: its files are loaded once more, beside the original."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from windtunnel.lab.doubt.source import digest_of, files, text_at
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.parsed import parsed


def origin_of(experiment: Experiment[Any]) -> Path:
    """Its file, or the `__init__` of its folder."""
    return Path(str(sys.modules[experiment.module].__file__))


def source_of(experiment: Experiment[Any]) -> str:
    """The text of its files."""
    return text_at(origin_of(experiment))


def text_digest(experiment: Experiment[Any]) -> str:
    """The digest of that text: what was found of another text has to be found anew."""
    return digest_of(source_of(experiment))


def trees(experiment: Experiment[Any]) -> dict[str, ast.Module]:
    """The syntax tree of each of its modules, parsed anew."""
    return {
        module: parsed(path.read_text("utf-8"), ast.Module)
        for module, path in files(origin_of(experiment), experiment.module).items()
    }


def loaded(experiment: Experiment[Any], given: Mapping[str, ast.Module]) -> Experiment[Any]:
    """The experiment that these trees make. Whatever they raise when they are loaded is raised here."""
    name = experiment.module
    parent, _, last = name.rpartition(".")
    kept = {module: sys.modules.pop(module) for module in given if module in sys.modules}
    finder = _Finder(given, files(Path(str(kept[name].__file__)), name))
    sys.meta_path.insert(0, finder)
    try:
        found: Experiment[Any] = importlib.import_module(name).experiment
    finally:
        sys.meta_path.remove(finder)
        for module in given:
            sys.modules.pop(module, None)
        sys.modules.update(kept)
        if parent:  # the import bound it there, too
            setattr(sys.modules[parent], last, kept[name])
    return found


class _Finder(MetaPathFinder, Loader):
    def __init__(self, given: Mapping[str, ast.Module], paths: Mapping[str, Path]) -> None:
        self.given = given
        self.paths = paths

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.given:
            return None
        at = self.paths[fullname]
        inside = [str(at.parent)] if at.name == "__init__.py" else None
        return spec_from_file_location(fullname, at, loader=self, submodule_search_locations=inside)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        exec(compile(self.given[name], str(self.paths[name]), "exec"), module.__dict__)
        text = ast.unparse(self.given[name])  # for processes that are given a design's text
        for made in vars(module).values():
            if isinstance(made, type) and made.__module__ == name:
                made.__text__ = text  # type: ignore[attr-defined]
