"""Draw the pause tree: one line a program, indented below the program that it branched from."""

from __future__ import annotations

from rich.text import Text

from agent.program.ends import PRUNED
from agent.program.failures import describe_failure
from agent.records import Attempt, EdgeKind, label_of
from agent.search.draws import leaves_parent
from agent.views.numbers import format_count
from agent.views.text import clean, format_code, one_line
from agent.views.theme import GOOD, PLACE, WARNING

_DEEPEST = 6  # levels of indentation


def draw_attempt(attempt: Attempt) -> Text:
    """Return the line of one program: where it branched off, its verdict, and its cost."""
    depth = min(attempt.depth, _DEEPEST)
    mark = _mark(attempt)
    text = Text("  " * (depth - 1) + "└ " if depth else "")
    text.append(f"program {label_of(attempt)}", style="bold")
    text.append(_way(attempt), style=PLACE)
    text.append(f" {mark[0]} {_verdict(attempt)}", style=mark[1])
    spent = (format_count(attempt.cost.tokens, "token"), format_count(attempt.cost.forwards, "forward"))
    text.append("".join(f" · {each}" for each in spent), style="dim")
    return text


def _mark(attempt: Attempt) -> tuple[str, str]:
    """Return the sign and the colour of an attempt's verdict. A branch that was dropped half-written did not fail."""
    if attempt.end in PRUNED:
        return "·", "dim"
    if attempt.passed:
        return ("✓", GOOD) if attempt.checked else ("?", WARNING)
    return "✗", "red"


def _way(attempt: Attempt) -> str:
    edge = attempt.edge
    if edge is None:
        return ""
    parent = edge.parent_label or edge.parent + 1
    if edge.kind == EdgeKind.REPAIR:
        return f" shown the failure of {parent}"
    if edge.kind == EdgeKind.READ_ON:
        return f" in what follows {parent}"
    if edge.kind == EdgeKind.SAMPLE:
        return ", a fresh sample" + (f" from {parent} at token {edge.position + 1}" if leaves_parent(edge) else "")
    text = clean(edge.text).strip() or edge.text  # a token that ends the text has none
    return f" from {parent} at token {edge.position + 1}, {repr(format_code(text)) if text else 'the end of the text'}"


def _verdict(attempt: Attempt) -> str:
    alike = "" if attempt.duplicate_of is None else f", as {attempt.duplicate_label or attempt.duplicate_of + 1}"
    if attempt.passed:
        return (
            f"passed {attempt.checked} example{'' if attempt.checked == 1 else 's'}{alike}"
            if attempt.checked
            else f"runs; no example checks it{alike}"
        )
    return one_line(describe_failure(attempt.failures[0]) if attempt.failures else attempt.verdict) + alike
