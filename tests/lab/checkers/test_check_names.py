"""Whatever clients and operations are called, a checker's sentence stays one line."""

from __future__ import annotations

import pytest

from helpers.check_script import script
from lab.checkers.test_check_files import EXAMPLES
from windtunnel import check
from windtunnel.lab.history import Event, History


@pytest.mark.parametrize("model", EXAMPLES)
def test_a_client_whose_name_breaks_the_line_is_written_as_python_writes_it(model: str) -> None:
    example = script(EXAMPLES[model])
    events = [Event(**{**_fields(e), "client": f"{e.client}\n\u2028"}) for e in example]
    for place, event in enumerate(events):
        for wrong in ({"args": ()}, {"name": "no\nname"}, {"value": "no\nvalue"}, {"value": 987}):
            changed = [*events[:place], Event(**{**_fields(event), **wrong}), *events[place + 1 :]]
            try:
                said = check(History(changed), model).sentence
            except ValueError as error:
                said = str(error)
            assert said.isprintable(), said


def _fields(event: Event) -> dict[str, object]:
    names = ("client", "name", "args", "start", "end", "outcome", "value", "due", "id")
    return {name: getattr(event, name) for name in names}
