"""Whatever clients and operations are called, a checker's sentence stays one line."""

from __future__ import annotations

import pytest

from helpers.check_script import script
from lab.checkers.test_check_files import EXAMPLES
from windtunnel import check
from windtunnel.lab.history import History


@pytest.mark.parametrize("model", EXAMPLES)
def test_a_client_whose_name_breaks_the_line_is_written_as_python_writes_it(model: str) -> None:
    example = script(EXAMPLES[model])
    events = [e._replace(client=f"{e.client}\n\u2028") for e in example]
    for place, event in enumerate(events):
        for wrong in ({"args": ()}, {"name": "no\nname"}, {"value": "no\nvalue"}, {"value": 987}):
            changed = [*events[:place], event._replace(**wrong), *events[place + 1 :]]
            try:
                said = check(History(changed), model).sentence
            except ValueError as error:
                said = str(error)
            assert said.isprintable(), said
