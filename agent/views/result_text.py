"""Write the result of a run as Markdown, for the panel of an assistant."""

from __future__ import annotations

from agent.program.failures import describe_failure
from agent.records import RunOutcome
from agent.search.faults import is_whole
from agent.views.markdown import escape_markdown, fence
from agent.views.sentences import describe_cost, describe_ending, describe_evidence, describe_programs
from agent.views.text import one_line
from agent.workflow.run import Result


def write_result(result: Result, *, stopped: bool = False, shows_program: bool = True) -> str:
    """Return the program, the claim, what speaks against it, the cost, and what to do now.

    stopped: the person wanted what there is. shows_program: no diff shows it; that of an abstention is always shown.
    """
    ending = describe_ending(result, in_chat=True)
    notes = [*_describe_abstained(result), *describe_evidence(result, in_full=False)]
    counts = " · ".join(filter(None, (describe_programs(result.attempts), describe_cost(result.cost))))
    blocks = [
        fence(result.best.program) if shows_program or result.outcome == RunOutcome.ABSTAINED else "",
        f"**{ending.mark} {one_line(ending.sentence)}**",
        "\n".join(f"- {escape_markdown(one_line(note))}" for note in notes),
        counts,
        "Stopped; this is what there is." if stopped else f"What now: {one_line(ending.advice)}.",
    ]
    return "\n\n".join(block for block in blocks if block)


def _describe_abstained(result: Result) -> list[str]:
    """Say of a run that stands by no program which one is shown, and why it failed."""
    best = result.best
    if result.outcome != RunOutcome.ABSTAINED:
        return []
    whole = best.passed or is_whole(best, result.task.entry_point)
    failures = [describe_failure(each) for each in best.failures[:1]]
    return [f"this is the best program{'' if whole else ', and it is not whole'}", *failures]
