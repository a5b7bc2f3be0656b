"""The house has a test: the rules of CONTRIBUTING that a machine can hold, over all of the source.

Each exception stands in a list with its reason, and a list that names what is no longer there fails too.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict

import pytest

from helpers.source import (
    ROOT,
    SRC,
    File,
    all_python,
    arguments,
    circles,
    ends,
    exceptions,
    functions,
    imports,
    sentences,
    source,
)
from windtunnel.lab.discovery import modules

FILE_LINES, FUNCTION_LINES = 500, 70

LONG_FILES = {
    "blocks/ordered/kernels/counted_blocks.py": "one tree, its insertion and its removal; see its docstring",
    "blocks/vectors/kernels/hnsw.py": "one graph: its walks, its links and how they heal; see its docstring",
    "catalogue/scale/metastable_failure.py": "eight designs, each with its claims, and two ways to recover",
    "catalogue/scale/metastable_map.py": "two searches and a ramp, their claims, and an audit that runs them again",
    "engines/database/model.py": "one engine: transactions, their locks and the rows that they see; see its docstring",
    "sim/kernel.py": "the loop, and what reaches into it; see its docstring",
    "sim/tcp.py": "one protocol, read from top to bottom; see its docstring",
    "tests/blocks/durability/test_durable.py": "a storm of crashes over four blocks that share one torn disk",
    "tests/blocks/durability/test_log.py": "one log: appending, recovery and damage",
    "tests/blocks/resilience/test_resilience.py": "eight small blocks of one family, on one clock",
    "tests/engines/test_database_conformance.py": "one suite of promises for every database",
    "tests/helpers/block_cases.py": "one table: a row for every block that can be copied",
    "tests/helpers/thread_puzzles.py": "a collection of small programs, each read alone",
    "tests/helpers/thread_puzzles_library.py": "a collection of small programs, each read alone",
    "tests/lab/test_run.py": "one verb, with toy experiments that all its tests share",
    "tests/sim/test_tcp.py": "one protocol, as its file",
}
LONG_FUNCTIONS = {
    "blocks/serving/kernels/decoder.py forward": "a kernel: its state is its local variables",
    "blocks/text/kernels/inverted_index.py search_wand": "a kernel: its state is its local variables",
    "lab/checkers/search.py Search._lay_out": "one pass over the moments that fills six tables side by side",
    "sim/compiled/kernels/balancer.py balance": "a kernel: its state is its local variables",
    "sim/compiled/kernels/retry.py retry_storm": "a kernel: its state is its local variables",
    "sim/kernel.py Simulator._turn": "the loop; the docstring of its file says what was measured",
}
PRIVATE: dict[str, str] = {}
"""Names of another package of ours that begin with an underscore and are used all the same."""
OF_PYTHON = {
    "os._exit": "the only way out that runs nothing",
    "made._getvalue": "how an intrinsic of Numba hands over what it has made",
    "sys._current_frames": "where a thread under test stands",
    "sys._getframe": "where a draw of luck was asked for",
    "asyncio._get_running_loop": "what event loops are written with",
    "asyncio._set_running_loop": "what event loops are written with",
    "transports._FlowControlMixin": "asyncio's own rules of pausing a writer",
    "futures._set_result_unless_cancelled": "what asyncio.sleep leaves in a loop; ours serves it without a call",
    "Random._randbelow_with_getrandbits": "draws of Random that do not change from one Python to the next",
    "server._detach": "what a transport of asyncio says to its Server",
}
"""Names of Python's own that begin with an underscore; those of named tuples go without saying."""
OF_SIM = re.compile(r"\b(sim|simulator|network|host)$")
"""What a piece of the tunnel is called outside of it; another package may have a private name that is spelled alike."""
NAMED_TUPLE = {"_replace", "_asdict", "_fields", "_make"}
AS_PYTHON_SAYS = {
    "sim/randomness.py": "number of bits must be non-negative",
    "sim/loop.py": "what asyncio's own loops say",
    "sim/ports.py": "what Python's own sockets say of addresses",
    "sim/sockets.py": "what Python's own sockets say",
    "sim/stand_ins.py": "what the functions say in whose place they stand",
    "sim/task.py": "what asyncio's own tasks say",
    "sim/transport.py": "what asyncio's own transports say, so that a program that reads it goes on doing so",
    "lab/explore/locks.py": "what locks of threading say",
    "faces.py": "what Python says of a module that has no such name",
}
"""Files that say some errors in CPython's words, since they stand in for a part of it."""
CLAUSES = {"_BadLineError": "it stands behind the file and the line, in one sentence with them"}
ENDS_A_SENTENCE = {"{error}", "{why}", "{self._failure}", "{hint}", "{reply['text']}"}
"""Values that are sentences themselves, or somebody else's words, with which an error may end."""
CIRCLES_BY_TYPE = [
    ("sim", "a simulator has hosts and a network, which know their simulator; when loaded there is no circle"),
    ("engines", "a session knows the modelled database that makes it; when loaded there is no circle"),
    ("engines", "a PostgreSQL knows its standby, which is one; when loaded there is no circle"),
    ("ui", "a room knows the menu that shows it, which knows its rooms; when loaded there is no circle"),
    ("lab", "`find` returns an Experiment, which asks for its track; when loaded there is no circle"),
]
NOT_NAMES_OF_OURS = {
    "ui/checking.py": "the methods that click calls",
    "ui/group.py": "the methods that click calls",
    "ui/menu/app.py": "the methods that Textual calls",
    "ui/menu/room.py": "the methods that Textual calls, and those that scroll, by the name of their key",
    "sim/loop.py": "the methods of an asyncio event loop",
    "sim/unsimulated.py": "the methods of an asyncio event loop that raise",
    "catalogue/concurrency/event_loop/own_loop.py": "the methods of an asyncio loop",
    "sim/transport.py": "the methods of an asyncio transport",
    "sim/sockets.py": "the methods of a socket",
    "sim/signals.py": "the methods of an asyncio future",
    "parts/weight.py": "the methods that pickle calls",
    "sim/stand_ins.py": "what stands in the place of functions of Python's own",
}


def assert_listed(found: dict[str, object], listed: dict[str, str], rule: str) -> None:
    new = {name: found[name] for name in found if name not in listed}
    assert not new, f"{rule}: {new}"
    gone = listed.keys() - found.keys()
    assert not gone, f"These keep the rule by now, take them off the list: {gone}."


def test_a_file_is_at_most_500_lines_long_or_says_why() -> None:
    found = {f.where: f.text.count("\n") for f in all_python() if f.text.count("\n") > FILE_LINES}
    assert_listed(dict(found), LONG_FILES, f"Over {FILE_LINES} lines")


def test_a_function_is_at_most_70_lines_long_or_says_why() -> None:
    found = {f"{f.where} {name}": n for f in source() for name, n in functions(f) if n > FUNCTION_LINES}
    assert_listed(dict(found), LONG_FUNCTIONS, f"Over {FUNCTION_LINES} lines without the docstring")


def owners() -> dict[str, set[str]]:
    """The packages that define each name that begins with an underscore."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in source():
        for node in file.nodes:
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found[name].add(file.package)
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                    found[name].add(file.package)
    return found


def test_nobody_uses_a_private_name_of_another_package() -> None:
    owned = owners()
    ours: dict[str, object] = {}
    pythons: dict[str, object] = {}
    for file in source():
        for node in file.nodes:
            if not isinstance(node, ast.Attribute) or not re.match("_[^_]", node.attr) or node.attr in NAMED_TUPLE:
                continue
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                continue
            homes = owned.get(node.attr, set())
            if not file.package.startswith("sim") and OF_SIM.search(ast.unparse(node.value)):
                homes = homes & {"sim"}
            # A room of a package knows the package's: `sim.servers` is within `sim`.
            if not any(file.package == home or file.package.startswith(f"{home}.") for home in homes):
                where = ours if homes else pythons
                where[f"{file.where} {ast.unparse(node)}" if homes else ast.unparse(node)] = node.lineno
    assert_listed(ours, PRIVATE, "A private name of another package; give it a public word there")
    assert_listed(pythons, OF_PYTHON, "A private name of Python's")


def test_nobody_imports_a_private_name_of_ours() -> None:
    found = {
        f"{file.where} {node.module}.{one.name}"
        for file in source()
        for node in file.nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("windtunnel")
        for one in node.names
        if one.name.startswith("_") and not one.name.startswith("__")
    }
    assert found == set()


def test_an_error_is_a_sentence() -> None:
    """It begins with a capital, a value or the name of an argument, and ends with a full stop."""
    kinds = exceptions() - CLAUSES.keys()
    wrong: list[str] = []
    in_pythons_words = set()
    for file in source():
        own = arguments(file)
        for line, text in sentences(file, kinds):
            first, last = ends(text)
            word = re.match(r"\w*", first)
            begins = not first[:1].islower() or (word is not None and word[0] in own)
            if begins and (last.endswith(".") or last in ENDS_A_SENTENCE or last.startswith("{suggest(")):
                continue
            if file.where in AS_PYTHON_SAYS:
                in_pythons_words.add(file.where)
            else:
                wrong.append(f"{file.where}:{line}: {ast.unparse(text)}")
    assert not wrong, "\n".join(wrong)
    assert in_pythons_words == AS_PYTHON_SAYS.keys()


def test_an_exception_that_ends_in_error_is_about_bad_input_or_damaged_data() -> None:
    """Refusals and states are named after what they are: `CircuitOpen`, `OutOfSteps`."""
    named = {
        f"{file.where} {node.name}({', '.join(map(ast.unparse, node.bases))})"
        for file in source()
        for node in file.nodes
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error") and node.name in exceptions()
        if not {"ValueError", "WrongInput", "DamagedError"} & {ast.unparse(base) for base in node.bases}
    }
    assert named == {"lab/errors.py DesignError(RuntimeError)"}, "bad input too: a design that cannot be run"


def test_names_in_texts_are_marked_with_one_backtick() -> None:
    twice = re.compile("(?<!`)``(?!`)|:(class|func|meth|mod|attr|exc|data):" + "`")
    wrong = [
        f"{file.where}:{number}: {line.strip()}"
        for file in all_python()
        if file.path.name != "test_house.py"
        for number, line in enumerate(file.text.splitlines(), 1)
        if twice.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def uses() -> Counter[str]:
    """How often each name is used in the source itself, faces apart: they lend, they do not use."""
    found: Counter[str] = Counter()
    for file in source():
        if file.is_face:
            continue
        for node in file.nodes:
            match node:
                case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name) | ast.alias(name=name):
                    found[name] += 1
                case ast.Constant(value=str(name)) if re.fullmatch(r"([\w.]+:)?\w+", name):
                    found[name.rpartition(":")[2]] += 1  # "module:name" is loaded when it is first used
    return found


def words_outside() -> set[str]:
    """What tests, benchmarks, examples and pages speak of."""
    found: set[str] = set()
    for file in all_python():
        if not file.path.is_relative_to(SRC):
            found |= file.words
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        found |= set(re.findall(r"\w+", page.read_text("utf-8")))
    return found


def defined(file: File) -> set[str]:
    names: set[str] = set()
    for node in file.tree.body:
        match node:
            case ast.FunctionDef(decorator_list=[ast.Attribute(attr="register")]):
                pass  # somebody was told of it
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("__")}


def test_no_name_is_dead() -> None:
    """A top-level name is used in the source, or it is for others and a test, a benchmark or a page speaks of it."""
    used, outside = uses(), words_outside()
    dead = {f"{f.where} {name}" for f in source() for name in defined(f) if not used[name] and name not in outside}
    assert dead == set()


def test_no_method_is_dead() -> None:
    used, outside = uses(), words_outside()
    dead = {
        f"{file.where} {node.name}.{method.name}"
        for file in source()
        if file.where not in NOT_NAMES_OF_OURS
        for node in file.nodes
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and not method.name.startswith("_")
        if not used[method.name] and method.name not in outside
    }
    assert dead == set()


def test_no_import_goes_round_in_a_circle() -> None:
    assert circles({f.module: imports(f, by_type=False) for f in source()}) == []


def test_a_circle_by_type_has_a_reason() -> None:
    """None in blocks: what stands in a family is read in one direction."""
    found = circles({f.module: imports(f, by_type=True) for f in source()})
    rooms = sorted({".".join(name.split(".")[1:2]) for name in group} for group in found)
    assert sorted(map(sorted, rooms)) == sorted([room] for room, _ in CIRCLES_BY_TYPE)


def test_the_circles_are_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [{"a", "b", "c"}]


EXPERIMENTS = [File(path) for path in sorted((SRC / "windtunnel/catalogue").rglob("[!_]*.py"))]


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda f: f.path.stem)
def test_an_experiment_needs_no_other(file: File) -> None:
    """One file adds it, or one folder, and one takes it away; `test_faces` holds what it may import."""
    folder = ".".join(file.path.relative_to(SRC).parts[:-1])
    own = folder if folder in modules().values() else "an experiment of one file"
    found = {m for m in imports(file, by_type=True) if m.startswith("windtunnel.catalogue")}
    assert {m for m in found if m != own and not m.startswith(f"{own}.")} == set()
