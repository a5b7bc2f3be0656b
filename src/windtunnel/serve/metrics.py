"""`/metrics`, in the text that Prometheus reads."""

from __future__ import annotations

from windtunnel.blocks.serving import BlockManager
from windtunnel.serve.runner import Runner


def text(runner: Runner) -> str:
    """Counters since the start, and gauges of now."""
    engine, counts = runner.engine, runner.counts
    scheduler = engine.scheduler
    rows: list[tuple[str, str, str, float]] = [
        ("prompt_tokens_total", "counter", "Tokens of prompts that were let in.", counts["prompt_tokens"]),
        ("answer_tokens_total", "counter", "Tokens that were given.", counts["answer_tokens"]),
        ("refused_total", "counter", "Requests that found all places taken.", counts["refused"]),
        ("hung_up_total", "counter", "Answers whose client went away before their end.", counts["hung_up"]),
        ("steps_total", "counter", "Passes of the model.", engine.steps),
        ("rows_total", "counter", "Tokens that were computed in them.", engine.rows),
        ("open", "gauge", "Answers under way, those that wait included.", runner.open),
        ("running", "gauge", "Answers in the batch.", len(scheduler.running)),
        ("waiting", "gauge", "Answers that wait for a place in it.", len(scheduler.waiting)),
    ]
    memory = scheduler.memory
    if isinstance(memory, BlockManager):
        rows += [
            ("blocks", "gauge", "Blocks of the memory of keys and values.", memory.blocks),
            ("blocks_free", "gauge", "Blocks without owners, those kept for their beginnings included.",
             memory.free_blocks),
            ("prefix_hit_tokens_total", "counter", "Tokens of prompts that the memory had already.", memory.hits),
        ]  # fmt: skip
    lines = [
        f"# HELP windtunnel_{n} {what}\n# TYPE windtunnel_{n} {kind}\nwindtunnel_{n} {v}" for n, kind, what, v in rows
    ]
    lines.append(
        "# HELP windtunnel_first_token_seconds From asking to the first token.\n"
        "# TYPE windtunnel_first_token_seconds summary\n"
        f"windtunnel_first_token_seconds_sum {runner.seconds_to_first}\n"
        f"windtunnel_first_token_seconds_count {counts['first_tokens']}"
    )
    lines.append(
        "# HELP windtunnel_finished_total Answers that ended, by why.\n# TYPE windtunnel_finished_total counter"
    )
    lines += [
        f'windtunnel_finished_total{{reason="{why}"}} {counts[f"finished_{why}"]}'
        for why in ("stop", "length", "fault", "ended")
    ]
    return "\n".join(lines) + "\n"
