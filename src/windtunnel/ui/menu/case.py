"""The smallest case in which a design fails, as a diagram of who did what when."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab.grading.challenge import write_stub
from windtunnel.ui.menu.lines import joined, wrapped
from windtunnel.ui.menu.reading import Reading
from windtunnel.ui.menu.room import Room
from windtunnel.ui.menu.setting import Setting
from windtunnel.ui.menu.working import Working


def case_of(setting: Setting) -> Room:
    """Search it for the naive design: graded as a challenger's, with one hidden seed."""
    folder = Path(tempfile.mkdtemp(prefix="windtunnel-case-"))
    file = write_stub(setting.experiment, folder / f"{setting.experiment.id.replace('-', '_')}.py")
    naive = next(iter(setting.experiment.designs))

    def then(room: Working) -> Room | None:
        assert room.errand is not None
        case = None
        for line in room.errand.written.splitlines():
            case = json.loads(line).get("grade", {}).get("case") or case
        where = f"{setting.where} / smallest case"
        if case is None:
            text = f"No smaller case was found: what {naive} fails at takes more than a few requests."
            return Reading(where, lambda width: joined(wrapped(text, width)))
        found: Mapping[str, Any] = case
        return Reading(where, lambda width: drawn(found, width), naive)

    title = f"The smallest case in which {naive} fails: requests and faults are taken away as long as it does."
    return _Search(setting.where, title, ["watch", str(file), "--once", "--json", "--seeds", "1"], then, folder)


class _Search(Working):
    """Work in a folder that is gone when it is over."""

    def __init__(self, where: str, title: str, words: list[str], then: Any, folder: Path) -> None:
        super().__init__(where, title, words, then)
        self._folder = folder

    def ended(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def drawn(case: Mapping[str, Any], width: int) -> RenderableType:
    """A case: what fails in it, what went wrong, and the diagram."""
    counts = (f"{len(case['events'])} requests", f"{len(case['faults'])} faults", f"seed {case['seed']}")
    lines = [Text(""), *wrapped(case["sentence"], width, style="bold"), Text(", ".join(counts), "dim")]
    for fault in case["faults"]:
        length = f" for {fault['for_s']:.3g} s" if fault["for_s"] is not None else ""
        lines += wrapped(f"at {fault['at_s']:.6f} s: {fault['text']}{length}", width, "  ")
    lines += [Text(""), *(Text(line, no_wrap=True) for line in case["text"].splitlines())]
    lines += [line for text in case["machines"] for line in wrapped(text, width, "  ", "dim")]
    return joined(lines)
