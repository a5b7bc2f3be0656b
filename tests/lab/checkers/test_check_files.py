"""Histories in files, checkers by name, and the sentences for what is wrong with either."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.check_script import script
from windtunnel import check
from windtunnel.checkers import MODELS, HistoryFileError, check_file, read_history, write_history
from windtunnel.lab.checkers.registry import options_of
from windtunnel.lab.history import History

STALE = """\
{"client": "a", "name": "write", "args": [1], "start": 0, "end": 1}

{"client": "a", "name": "write", "args": [2], "start": 2, "end": 3, "outcome": "ok"}
{"client": "b", "name": "read", "start": 4, "end": 5, "outcome": "ok", "value": 1}
{"client": "c", "name": "read", "start": 6, "outcome": "unknown"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def test_a_file_of_json_lines_is_judged(file: Path) -> None:
    file.write_text(STALE)
    verdict = check_file(file, "register")
    assert verdict.status == "invalid"
    assert [e.client for e in verdict.witness] == ["a", "a", "b"]
    assert check_file(str(file), "sequential", object="register").ok


def test_what_is_written_is_read_again(file: Path) -> None:
    history = History(script("a put('x', [1, None]) \n b get('x') = [1, None] \n b put('x', 2) unknown"), {"stock": 3})
    write_history(history, file)
    again = read_history(file)
    assert again.facts == {"stock": 3}
    assert list(again) == list(history)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("{", "line 1: this is not JSON"),
        ("[1]", "line 1: an operation is a JSON object"),
        (
            '{"client": "a", "name": "read", "start": 0, "end": 1}\n{"client": "a", "start": 0, "end": 1}',
            "line 2: 'name' is",
        ),
        ('{"client": "a", "name": 3, "start": 0, "end": 1}', "line 1: 'name' must be a string"),
        ('{"client": "a", "name": "read", "start": "0", "end": 1}', "line 1: 'start' must be a number of seconds"),
        ('{"client": "a", "name": "read", "start": 0, "end": null}', "line 1: 'end' must be a number of seconds"),
        ('{"client": "a", "name": "read", "start": 2, "end": 1}', r"line 1: 'end' \(1\) is before 'start' \(2\)"),
        ('{"client": "a", "name": "read", "start": 2}', "line 1: 'end' is missing"),
        ('{"client": "a", "name": "read", "start": 0, "end": 1, "outcome": "maybe"}', "must be ok, fail or unknown"),
        ('{"client": "a", "name": "read", "start": 0, "end": 1, "outcom": "ok"}', "'outcom' is no field"),
        ('{"client": "a", "name": "read", "start": 0, "end": 1, "args": 3}', "'args' must be a list"),
        ('{"format": "other"}', "the header must say"),
        ('{"process": 1, "type": "ok", "f": "read", "value": 1, "time": 5}', "that it never invoked"),
        ('{"process": 1, "type": "done", "f": "read", "time": 5}', "'type' must be one of invoke, ok, fail, info"),
        ('{"process": 1, "type": "invoke", "f": "read"}', "'time' is missing"),
    ],
)
def test_a_bad_line_is_named_with_what_would_be_right(file: Path, lines: str, complaint: str) -> None:
    file.write_text(lines)
    with pytest.raises(HistoryFileError, match=complaint) as caught:
        read_history(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_sentence(file: Path) -> None:
    with pytest.raises(HistoryFileError, match="cannot be read: No such file"):
        read_history(file)


def test_invocations_and_completions_of_jepsen_are_paired(file: Path) -> None:
    lines = [
        {"process": 0, "type": "invoke", "f": "write", "value": 1, "time": 0},
        {"process": "nemesis", "type": "info", "f": "start", "value": None, "time": 5},
        {"process": 1, "type": "invoke", "f": "read", "value": None, "time": 10},
        {"process": 0, "type": "ok", "f": "write", "value": 1, "time": 2_000_000_000},
        {"process": 1, "type": "ok", "f": "read", "value": 1, "time": 3_000_000_000},
        {"process": 0, "type": "invoke", "f": "cas", "value": [1, 2], "time": 4_000_000_000},
        {"process": 0, "type": "info", "f": "cas", "value": [1, 2], "time": 5_000_000_000},
        {"process": 2, "type": "invoke", "f": "cas", "value": [9, 8], "time": 4_000_000_000},
        {"process": 2, "type": "fail", "f": "cas", "value": [9, 8], "time": 5_000_000_000},
        {"process": 1, "type": "invoke", "f": "read", "value": None, "time": 6_000_000_000},
        {"process": 1, "type": "ok", "f": "read", "value": 2, "time": 7_000_000_000},
        {"process": 3, "type": "invoke", "f": "write", "value": 4, "time": 8_000_000_000},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    history = read_history(file)
    assert [(e.client, e.name, e.args, e.outcome, e.value) for e in history] == [
        ("0", "write", (1,), "ok", 1),
        ("1", "read", (), "ok", 1),
        ("0", "cas", (1, 2), "unknown", None),
        ("2", "cas", (9, 8), "fail", True),
        ("1", "read", (), "ok", 2),
        ("3", "write", (4,), "unknown", None),
    ]
    assert history[0].end == 2.0
    assert check(history, "cas").ok


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_line_of_help_and_calls_no_history_valid_in_which_nothing_happened(name: str) -> None:
    assert MODELS[name]
    assert check(History([]), name).status == "unknown"
    refused = [e._replace(outcome="fail") for e in script(EXAMPLES[name])]
    assert check(History(refused), name).status == "unknown"


EXAMPLES = {
    "register": "a write(1) \n b read() = 1",
    "cas": "a cas(None, 1) = True \n b read() = 1",
    "key-value": "a put('x', 1) \n b get('x') = 1",
    "queue": "a enqueue(1) \n b dequeue() = 1",
    "set": "a add(1) \n b read() = [1]",
    "counter": "a add(2) \n b read() = 2",
    "sequential": "a put('x', 1) \n b get('x') = 1",
    "sessions": "a put('x', 1) \n b get('x') = 1",
    "bank": "a transfer('x', 'y', 1) \n b read() = [['x', -1], ['y', 1]]",
    "unique-ids": "a generate() = 1 \n b generate() = 2",
    "grow-set": "a add(1) \n b read() = [1]",
    "sum": "a add(2) \n b read() = 2",
    "messages": "a enqueue(1) \n b dequeue() = 1",
    "log": "a append('p', 'x') = 0 \n b poll('p') = [[0, 'x']]",
    "mutex": "a acquire('l') = 1 \n a release('l')",
    "fencing": "a acquire('l') = 1 \n a write('l', 1)",
    "leaders": "a lead(1) \n b lead(2)",
    "list-append": "a txn([['append', 'x', 1]]) = [['append', 'x', 1]]",
    "read-write": "a txn([['w', 'x', 1]]) = [['w', 'x', 1]]",
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_judges_a_file_of_its_own_operations(name: str, file: Path) -> None:
    write_history(History(script(EXAMPLES[name])), file)
    options = {"negative_allowed": "true"} if name == "bank" else {}
    assert check_file(file, name, **options).ok


def test_options_reach_the_checker_also_as_text(file: Path) -> None:
    skew = "a txn([]) = [['r', 'x', []], ['append', 'y', 1]] \n b txn([]) = [['r', 'y', []], ['append', 'x', 1]]"
    write_history(History(script(skew)), file)
    assert check_file(file, "list-append").status == "invalid"
    assert check_file(file, "list-append", level="snapshot-isolation").ok
    write_history(History(script("a put('x', 1) \n b put('x', 2) \n c get('x') = 2 \n c get('x') = 1")), file)
    assert check_file(file, "sessions").status == "invalid"
    assert check_file(file, "sessions", real_time="false").ok
    assert check_file(file, "sessions", only="read-your-writes").ok
    write_history(History(script("a put('x', 1) \n a put('x', 2)"), {"versions": {"x": [2, 1]}}), file)
    assert check_file(file, "sessions").status == "invalid"


@pytest.mark.parametrize(
    ("model", "options", "complaint"),
    [
        ("regster", {}, "There is no model 'regster'; there are register, cas"),
        ("register", {"budget": 3}, "Model register has no option 'budget'; it has budget_steps"),
        ("register", {"budget_steps": "many"}, "Option budget_steps of model register cannot be 'many'"),
        ("register", {"budget_steps": "true"}, "it is a whole number from 0 on"),
        ("register", {"budget_steps": -1}, "it is a whole number from 0 on"),
        ("bank", {"total": float("inf")}, "Option total of model bank cannot be inf; it is a number"),
        ("list-append", {"real_time": 1}, "it is true or false"),
        ("list-append", {"level": "total"}, "There is no isolation level 'total'; there are read-uncommitted"),
        ("sessions:only", {}, "stand options as name=value"),
        ("sessions:only=all", {}, "There is no session guarantee 'all'"),
        ("sessions:limit=3", {}, "Model sessions has no option 'limit'; it has object, only, real_time"),
        ("sesions", {}, "Did you mean sessions"),
        ("sequential", {"object": "tree"}, "There is no object 'tree'"),
        ("sessions", {"only": "reads"}, "There is no session guarantee 'reads'"),
        ("nowhere:Model", {}, "There is no module 'nowhere'"),
        ("windtunnel.lab.checkers:check_bank", {}, "has no class 'check_bank'"),
        ("missing.py:Model", {}, "missing.py is no Python file"),
    ],
)
def test_a_bad_name_or_option_is_refused_with_what_there_is(
    model: str, options: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        check(History([]), model, **options)


def test_a_model_of_ones_own_is_named_by_its_file(tmp_path: Path, file: Path) -> None:
    source = tmp_path / "ours.py"
    source.write_text(
        "from windtunnel.checkers import Model\n\n\n"
        "class Latch(Model):\n"
        '    name = "latch"\n\n'
        "    def initial(self):\n        return False\n\n"
        "    def step(self, state, op, args, value):\n        return value == state, True\n"
    )
    write_history(History(script("a trip() = False \n a trip() = True")), file)
    assert check_file(file, f"{source}:Latch").ok
    write_history(History(script("a trip() = False \n a trip() = False")), file)
    assert check_file(file, f"{source}:Latch").sentence.startswith("Not linearizable as a latch")


def test_options_may_follow_the_name_of_the_model(file: Path) -> None:
    write_history(History(script("a put('x', 1) \n b put('x', 2) \n c get('x') = 2 \n c get('x') = 1")), file)
    assert not check_file(file, "sessions")
    assert check_file(file, "sessions:real-time=false").ok
    assert check_file(file, "sessions:only=read-your-writes,real_time=true").ok


BAD_MODELS = {
    "not Python": ("class Latch(Model:\n", r"cannot be loaded: SyntaxError: .* \(line 2\)\.$"),
    "raises when loaded": ("1 / 0\n", r"cannot be loaded: ZeroDivisionError: division by zero \(line 2\)\.$"),
    "leaves": ("raise SystemExit(0)\n", r"cannot be loaded: SystemExit: 0 \(line 2\)\.$"),
    "imports what is not there": (
        "import nowhere\n",
        "cannot be loaded: ModuleNotFoundError: No module named 'nowhere'",
    ),
    "has no state": ("class Latch(Model):\n    pass\n", "cannot judge this: NotImplementedError"),
    "raises": (
        "class Latch(Model):\n    def initial(self):\n        return 0\n"
        "    def step(self, state, op, args, value):\n        return {}[op], 1\n",
        r"Latch cannot judge this: KeyError: 'trip' \(line 6\)\.$",
    ),
    "raises a ValueError": (
        "class Latch(Model):\n    def initial(self):\n        return int('x')\n",
        r"cannot judge this: ValueError: invalid literal .* \(line 4\)\.$",
    ),
    "answers no pair": (
        "class Latch(Model):\n    def initial(self):\n        return 0\n"
        "    def step(self, state, op, args, value):\n        return True\n",
        r"step\('trip'\) must answer \(may it answer this\?, the state after it\)\.$",
    ),
    "has a state that changes": (
        "class Latch(Model):\n    def initial(self):\n        return 0\n"
        "    def step(self, state, op, args, value):\n        return True, [state]\n",
        "has a state that cannot be hashed after 'trip'; use tuples",
    ),
    "wants arguments": (
        "class Latch(Model):\n    def __init__(self, size):\n        self.size = size\n",
        "cannot judge this: TypeError: .* missing 1 required positional argument",
    ),
}


@pytest.mark.parametrize("kind", BAD_MODELS)
def test_what_goes_wrong_in_a_users_model_is_said_of_it_in_one_sentence(kind: str, tmp_path: Path) -> None:
    source, complaint = BAD_MODELS[kind]
    place = tmp_path / "ours.py"
    place.write_text("from windtunnel.checkers import Model\n" + source)
    with pytest.raises(ValueError, match=complaint) as caught:
        check(History(script("a trip() = False")), f"{place}:Latch")
    assert str(place) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_importing_the_checkers_loads_nothing_heavy() -> None:
    program = (
        "import sys, windtunnel.lab.checkers; print(sorted({'numpy', 'numba', 'rich', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_page_lists_every_model_with_its_options() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "checking.md"
    rows = {}
    for line in page.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4 and cells[0] != "`--model`":
            rows[cells[0].strip("`")] = cells[3]
    assert list(rows) == list(MODELS)
    inherited = {"read-write": options_of("list-append")}
    for model, told in rows.items():
        named = {part.partition("=")[0] for part in re.findall(r"`([^`]+)`", told)}
        assert named | set(inherited.get(model, ())) == set(options_of(model)), model
