"""The adversary: what it learns by watching, what it does, and that what it does ends."""

from __future__ import annotations

from planted_lease import experiment as lease
from planted_register import experiment as register

from windtunnel.lab.experiment import Fault
from windtunnel.lab.grading.adversary import attacks, rehearse
from windtunnel.lab.grading.grade import hunt
from windtunnel.lab.grading.trial import Trial, play
from windtunnel.lab.grading.weather import Weather, in_weather
from windtunnel.lab.params import settings
from windtunnel.lab.stage import SimStage
from windtunnel.sim.link import LinkSpec

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
    calls = {fault.call for attack in first for fault in attack}
    assert calls >= {"crash", "pause", "split", "cut", "slow", "storm", "step", "outage"}


def test_every_attack_can_be_played() -> None:
    seen = rehearse(register, "correct", QUICK, 3)
    for faults in attacks(seen, 3, 30):
        history, _ = play(register, "correct", Trial(3, QUICK, faults))
        assert len(history) == QUICK["requests"]


def test_a_trial_with_the_same_faults_has_the_same_history() -> None:
    seen = rehearse(register, "correct", QUICK, 4)
    for faults in attacks(seen, 4, 10):
        assert list(play(register, "correct", Trial(4, QUICK, faults))[0]) == list(
            play(register, "correct", Trial(4, QUICK, faults))[0]
        )


def test_a_cut_leaves_the_way_back_open_until_it_is_mended() -> None:
    stage = SimStage(0)
    a, b = stage.host("a"), stage.host("b")
    weather = Weather(stage)
    weather.cut(("a",), ("b",))
    assert stage.network.link(a, b).transit_ns(0) is None
    assert stage.network.link(b, a).transit_ns(0) is not None
    weather.mend(("a",), ("b",))
    assert stage.network.link(a, b).transit_ns(0) is not None


def test_storms_overlap_and_leave_nothing_behind() -> None:
    stage = SimStage(0)
    a, b, c = (stage.host(name) for name in "abc")
    stage.network.connect(a, b, loss=0.2)
    weather = Weather(stage)
    weather.storm(0.1, 0.5, 0.0, 0.0)
    weather.storm(0.3, 0.0, 0.5, 1.0)
    assert stage.network.link(a, b).spec.loss == 0.3
    assert stage.network.link(a, c).spec.duplicate == 0.5  # a link that is new
    weather.calm(0.1, 0.5, 0.0, 0.0)
    assert stage.network.link(a, b).spec.duplicate == 0.0
    weather.calm(0.3, 0.0, 0.5, 1.0)
    assert stage.network.link(a, b).spec == LinkSpec(loss=0.2)
    assert stage.network.link(a, c).spec == stage.network.default == LinkSpec()


def test_an_outage_takes_several_hosts_and_clocks_can_be_set() -> None:
    stage = SimStage(0)
    a, b = stage.host("a"), stage.host("b")
    weather = Weather(stage)
    weather.outage(("a", "b"))
    assert a.down
    assert b.down
    weather.power(("a", "b"))
    assert not a.down
    assert not b.down
    weather.step("a", -3.0)
    assert a.clock.time() - b.clock.time() == -3.0


def test_only_what_faults_are_aimed_at_is_put_on_the_stage() -> None:
    def design(stage: object, params: object) -> object:
        return object()

    stage = SimStage(0)
    in_weather(design, [])(stage, None)
    assert "weather" not in stage.things
    in_weather(design, [Fault(0.0, "weather", "step", ("a", 1.0)), Fault(0.0, "clients", "pause", (1.0,))])(stage, None)
    assert {"weather", "clients"} <= set(stage.things)


def test_nothing_can_be_spared_of_a_smallest_case() -> None:
    found = hunt(lease, lease.designs["no_fence"], [1])
    assert found is not None
    case = found.case
    trial = Trial(case.seed, settings(lease.params, {}), tuple(case.faults))
    assert play(lease, "no_fence", trial, case.ops)[1]["lost_updates"] > 0
    for i in range(len(case.ops)):
        fewer = case.ops[:i] + case.ops[i + 1 :]
        assert play(lease, "no_fence", trial, fewer)[1]["lost_updates"] == 0
    assert play(lease, "no_fence", trial, case.ops, [])[1]["lost_updates"] == 0


def test_the_diagram_of_a_case_shows_its_faults() -> None:
    found = hunt(lease, lease.designs["no_fence"], [1])
    assert found is not None
    assert found.case.faults
    text = found.case.to_dict()["text"]
    assert all(fault.target in text and fault.call in text for fault in found.case.faults)
