"""What Dubito says of an answer besides its text: spans of doubt, the claim, and how probable it is to be right."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from agent.decoding import Step
from agent.views.alternatives import choose_alternatives, list_alternatives
from agent.views.doubts import list_doubts
from agent.workflow.heat import HotSpan
from agent.workflow.run import Result

MOST_ALTERNATIVES = 3  # of a span


def describe_answer(
    policy: str, seed: int, pauses: int, spans: list[dict[str, Any]], result: Result | None = None
) -> dict[str, Any]:
    """Return the record of an answer. result: of the search that gave it; an answer that nothing ran claims nothing."""
    record = {"policy": policy, "seed": seed, "pauses": pauses, "spans": spans, "claim": None, "probability": None}
    if result is None:
        return record
    return record | {
        "claim": str(result.standing),
        "probability": result.answer.probability,
        "evidence": asdict(result.evidence),
        "program": result.best.program,
        "cost": asdict(result.cost),
    }


def write_step_span(step: Step, start: int, length: int) -> dict[str, Any]:
    """Return the span of a token. start: the character of the answer at which it begins. length: of the answer."""
    text = step.text[: length - start]
    others = [{"text": each.text, "probability": math.exp(each.logprob)} for each in step.others[:MOST_ALTERNATIVES]]
    pause = step.pause and {
        "reason": step.pause.reason,
        "resolver": step.pause.resolver,
        "candidates": [
            {"text": each.text, "probability": math.exp(each.logprob), "score": each.score}
            for each in step.pause.candidates
        ],
    }
    return {
        "start": start,
        "end": start + len(text),
        "text": text,
        "probability": math.exp(step.logprob),
        "alternatives": others,
        "pause": pause,
    }


def write_program_spans(result: Result, heat: list[HotSpan], offset: int) -> list[dict[str, Any]]:
    """Return the spans of a program that the model was least sure of. offset: of the program in the answer.

    heat: how unsure the model was of each token of the program.
    """
    best, length = result.best, len(result.best.program.rstrip())  # the answer has no blank line behind it
    alternatives = list_alternatives(best)
    return [
        {
            "start": offset + start,
            "end": offset + min(end, length),
            "text": best.program[start : min(end, length)],
            "probability": math.exp(-sum(token.surprisal for token in heat if start <= token.start < end)),
            "alternatives": [
                {"text": each.text, "probability": each.probability}
                for each in choose_alternatives(best.program, alternatives, start, end)[:MOST_ALTERNATIVES]
            ],
            "pause": None,
        }
        for start, end in list_doubts(best)
    ]
