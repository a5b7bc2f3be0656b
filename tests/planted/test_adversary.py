"""The adversary: what it learns by watching, what it does, and that what it does ends."""

from __future__ import annotations

from planted_lease import experiment as lease
from planted_register import experiment as register

from windtunnel.lab.grading.adversary import attacks, rehearse
from windtunnel.lab.grading.grade import hunt
from windtunnel.lab.grading.trial import Trial, judged, play
from windtunnel.lab.history import Op
from windtunnel.lab.params import make, settings
from windtunnel.sim.fault import Fault

QUICK = settings(register.params, register.quick)


def test_a_rehearsal_sees_hosts_messages_and_waits() -> None:
    seen = rehearse(lease, "correct", settings(lease.params, {}), 1)
    assert set(seen.hosts) == {"locks", "storage", "worker 0", "worker 1"}
    assert ("worker 0", "locks") in seen.pairs
    assert ("locks", "storage") not in seen.pairs
    assert seen.moments["locks"] == sorted(seen.moments["locks"])
    assert 0.1 in seen.waits_s  # the lease


def test_the_same_seed_draws_the_same_attacks() -> None:
    seen = rehearse(register, "correct", QUICK, 1)
    first = attacks(seen, 1, 50)
    assert first == attacks(seen, 1, 50)
    assert first != attacks(seen, 2, 50)
    words = {fault.word for attack in first for fault in attack}
    assert words == {"crash", "pause", "split", "cut", "slow", "storm", "skew", "cut_reply"}


def test_every_attack_can_be_played() -> None:
    seen = rehearse(register, "correct", QUICK, 3)
    for faults in attacks(seen, 3, 30):
        history = play(register, "correct", Trial(3, QUICK, faults))
        assert len(history) == QUICK["requests"]


def test_a_trial_with_the_same_faults_has_the_same_history() -> None:
    seen = rehearse(register, "correct", QUICK, 4)
    for faults in attacks(seen, 4, 10):
        assert list(play(register, "correct", Trial(4, QUICK, faults))[0]) == list(
            play(register, "correct", Trial(4, QUICK, faults))[0]
        )


def test_nothing_can_be_spared_of_a_smallest_case() -> None:
    found = hunt(lease, lease.designs["no_fence"], [1])
    assert found is not None
    case = found.case
    trial = Trial(case.seed, settings(lease.params, {}), tuple(case.faults))

    def lost(ops: list[Op], faults: list[Fault] | None = None) -> float:
        history = play(lease, "no_fence", trial, ops, faults)
        return judged(lease, history, make(lease.params, trial.settings))["lost_updates"]

    assert lost(case.ops) > 0
    for i in range(len(case.ops)):
        assert lost(case.ops[:i] + case.ops[i + 1 :]) == 0
    assert lost(case.ops, []) == 0


def test_the_diagram_of_a_case_shows_its_faults() -> None:
    found = hunt(lease, lease.designs["no_fence"], [1])
    assert found is not None
    assert found.case.faults
    text = found.case.to_dict()["text"]
    assert all(fault.word in text for fault in found.case.faults)
    assert all(name in text for fault in found.case.faults for name in (*fault.targets, *fault.others))
