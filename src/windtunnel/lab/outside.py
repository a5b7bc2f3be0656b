"""A design from a file of the user's, as one more column beside the experiment's own."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

from windtunnel.lab.errors import WrongInput, raised, unread
from windtunnel.lab.experiment import Experiment
from windtunnel.parts.several import OUTSIDE


def with_design(experiment: Experiment[Any], path: str) -> Experiment[Any]:
    """The experiment with the design classes of a Python file added, last. Raises WrongInput.

    Every public class that the file itself defines, and that is no base of another of them, is a design; its name in
    tables and claims is the class's in lower case with underscores.
    """
    found = _classes(Path(path))
    named = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", c.__name__).lower(): c for c in found}
    for name in named:
        if name in experiment.designs:
            raise WrongInput(f"{path} has a class for {name}, and {experiment.id} has that design; rename the class.")
    return replace(experiment, designs={**experiment.designs, **named}, module=experiment.module)


def _classes(path: Path) -> list[type]:
    if not path.is_file():
        raise WrongInput(f"There is no file {path}.")
    name = f"{OUTSIDE}{re.sub(r'[^0-9a-zA-Z_]', '_', path.stem)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise WrongInput(f"{path} is no Python file; give one that defines a design class.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise WrongInput(unread(path, error)) from None
    except SystemExit as error:
        raise WrongInput(f"{path} cannot be loaded: it calls sys.exit when it is imported.") from error
    except Exception as error:
        raise WrongInput(f"{path} cannot be loaded: {raised(error)}.") from error
    own = [c for n, c in vars(module).items() if inspect.isclass(c) and c.__module__ == name and not n.startswith("_")]
    bases = {base for c in own for base in c.__bases__}
    designs = [c for c in own if c not in bases and not issubclass(c, BaseException) and not is_dataclass(c)]
    if not designs:
        raise WrongInput(f"{path} defines no class; a design is a class that takes (stage, params).")
    return designs
