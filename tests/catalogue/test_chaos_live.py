"""The store of `chaos` as real processes: what real faults find, and that nothing of it is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from helpers.chaos_live import DEVICE, LIMIT, MOUNT, Tried, found
from helpers.left import Place
from helpers.live import ahead
from windtunnel import Event
from windtunnel.catalogue.scale.chaos.trial import Strike, Trial

pytestmark = [pytest.mark.live, pytest.mark.skipif(sys.platform != "linux", reason="mounts, and looks into /proc")]
TESTS = Path(__file__).parents[1]
PROGRAM = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from helpers.chaos_live import main
main({{arguments!r}})
"""


def running(place: Place, arguments: list[str]) -> None:
    """Start a trial and wait until its three replicas listen."""
    place.launch(PROGRAM.format(arguments=arguments))
    end = time.monotonic() + 60
    while len(place.now().processes) < 3 or not place.now().files:
        assert time.monotonic() < end, "three replicas were to run"
        time.sleep(0.1)  # the work of other processes, on a real clock: nothing to await


def asked(*lost: int) -> list[Event]:
    """Twelve seconds of reads of one replica, some of them without an answer."""
    return [
        Event("client 0", "get", (0, "k0"), n, n + 0.01, "unknown" if n in lost else "ok", None, float(n), n)
        for n in range(12)
    ]


def test_what_is_lost_while_this_machine_was_late_says_nothing_and_what_is_lost_later_does() -> None:
    late = (Strike("pause", 0, 4.9, 0.2),)
    assert Tried(Trial((), asked(5), {}), ()).broken
    assert not Tried(Trial((), asked(5), {}), late).broken
    assert Tried(Trial((), asked(5), {}), late).unknown
    assert Tried(Trial((), asked(5, 9), {}), late).broken
    assert not Tried(Trial((), asked(5, 9), {}), late).unknown
    assert not Tried(Trial((), asked(), {}), late).unknown, "whatever is owed is answered"


def find(place: Place, enough: int, *arguments: str) -> dict[str, Any]:
    """What a search for bugs tells, in a program of its own that leaves nothing; enough are to be found in it.

    The right store survives in each of them. Where fewer are found since this machine was late, nothing is known.
    """
    program = PROGRAM.format(arguments=["--find", str(enough), *arguments])
    environment = os.environ | {"TMPDIR": str(place.folder)}
    with ahead():
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment, check=True)
    assert not place.after().anything()
    told: dict[str, Any] = json.loads(done.stdout)
    assert not [one["right_broken"] for one in told.values() if one["right_broken"]]
    late = {name: one["unknown"] for name, one in told.items() if one["tries"] and one["unknown"]}
    if len(found(told)) < enough <= len({*found(told), *late}):
        pytest.skip(f"This machine was too late: {late}")
    return told


def test_real_faults_find_at_least_six_of_the_ten_bugs(place: Place) -> None:
    told = find(place, 6, MOUNT)
    assert len(found(told)) >= 6, json.dumps(told, indent=1)


@pytest.mark.parametrize("way", [DEVICE, LIMIT])
def test_a_disk_that_refuses_in_another_way_finds_the_same(way: str, place: Place) -> None:
    told = find(place, 2, way, "never_opens_again", "says_no")
    assert len(found(told)) == 2, json.dumps(told, indent=1)


def test_where_nothing_may_be_mounted_nothing_is_left_either(place: Place) -> None:
    running(place, ["--no-mounts", "", "0", "full:0:0:60", "limit:1:0:60"])
    assert place.starter is not None
    assert not place.now().mounts
    place.starter.send_signal(signal.SIGINT)
    place.starter.wait(60)
    assert not place.after().anything()


def test_a_trial_with_all_its_faults_leaves_nothing_behind(place: Place) -> None:
    running(place, ["", "0", "full:0:1:1", "kill:1:1:0.5", "pause:2:1:1", "cut:0:3:1"])
    assert place.starter is not None
    assert place.starter.wait(120) == 0
    assert not place.after().anything()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_nor_does_one_that_is_stopped_in_the_middle(place: Place, how: signal.Signals) -> None:
    running(place, ["", "0", "full:0:0:60", "pause:1:0:60"])
    assert place.starter is not None
    time.sleep(2.0)  # so that the faults have begun
    place.starter.send_signal(how)
    place.starter.wait(60)
    assert not place.after().anything()


def test_after_a_kill_no_process_port_or_mount_is_left(place: Place) -> None:
    running(place, ["", "0", "full:0:0:60"])
    assert place.starter is not None
    place.starter.kill()
    assert not place.after(files=False).anything(files=False)
