"""One file for who has no server: everything is in it, and nothing of it asks anybody."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from windtunnel.lab.discovery import find
from windtunnel.web import store
from windtunnel.web.asked import Asked
from windtunnel.web.joining import joined
from windtunnel.web.report import report
from windtunnel.web.worker import preview


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
        experiment = find("sinkhole")
        asked = Asked(experiment, {})
        result = store.committed_result(experiment)
        assert result is not None
        task = {"params": {}, "seed": 0, "without": [], "moved": []}
        return report(asked, result, {one: preview(experiment, {**task, "design": one})["trace"] for one in asked.pair})


def test_a_report_loads_nothing(text: str) -> None:
    assert not re.search(r"<(?:script|img|iframe)[^>]* src=|<link[^>]* href=\"(?!data:)|@import|url\(", text)
    assert "connect-src" not in text  # so `default-src 'none'` holds for whatever a script would ask


def test_its_policy_allows_its_own_scripts_and_style_and_no_others(text: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    allowed = policy[1].replace("&#39;", "'")
    assert allowed.startswith("default-src 'none'")
    for kind, inner in re.findall(r"<(script|style)>(.*?)</\1>", text, re.DOTALL):
        digest = b64encode(sha256(inner.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed, kind


def test_it_has_the_pictures_of_the_designs_that_are_seen(text: str) -> None:
    pictures = re.search(r'id="pictures">(.*?)</script>', text)
    assert pictures
    assert list(json.loads(pictures[1])) == ["least_connections", "failures_as_load"]


def test_modules_are_joined_behind_those_that_they_import() -> None:
    texts = {
        "a.js": 'import { twice, one as first } from "./in/b.js";\nexport const three = twice(first) + 1;\n',
        "in/b.js": (
            'import { two } from "../c.js";\nexport function twice(x) { return two * x; }\nexport const one = 1;\n'
        ),
        "c.js": "export const two = 2;\n",
    }
    found = joined("a.js", texts)
    assert found.index("const two = 2") < found.index("function twice") < found.index("const three")
    assert "const { twice, one: first } = m1;" in found
    assert "return {twice, one};" in found


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({"a.js": 'import { b } from "./b.js";'}, "b.js cannot be joined: it is not there"),
        ({"a.js": 'import { a } from "./a.js";\nexport const a = 1;'}, "it imports itself"),
        ({"a.js": "export default 7;"}, "in another way"),
        ({"a.js": 'import * as b from "./b.js";', "b.js": ""}, "in another way"),
        ({"a.js": 'const b = await import("./b.js");'}, "in another way"),
    ],
)
def test_a_module_that_is_not_as_plain_is_refused(texts: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        joined("a.js", texts)


def test_what_the_report_runs_can_be_joined() -> None:
    assert "mount" in joined("report.js")


def test_the_committed_folder_is_found() -> None:
    assert store.root() == Path(__file__).resolve().parents[2] / "results"
