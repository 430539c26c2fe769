"""The pause tree as text: one line a program, indented below the one it left. Shows what is there; decides nothing."""

from __future__ import annotations

from rich.text import Text

from agent.state import Attempt
from agent.views.text import clean, shown

DEEPEST = 6  # levels of indentation


def line_of(attempt: Attempt) -> Text:
    """Return the line of one program: which way it took, what became of it, and what it cost."""
    depth = min(attempt.depth, DEEPEST)
    mark = ("✓", "green") if attempt.passed else ("✗", "red")
    text = Text("  " * (depth - 1) + "└ " if depth else "")
    text.append(f"program {attempt.number + 1}", style="bold")
    text.append(_way(attempt), style="cyan")
    text.append(f" {mark[0]} {_verdict(attempt)}", style=mark[1])
    if attempt.cost:
        text.append(f" · {attempt.cost['tokens']} tokens · {attempt.cost['forwards']} forwards", style="dim")
    return text


def _way(attempt: Attempt) -> str:
    edge = attempt.edge
    if not edge:
        return ""
    if edge["kind"] == "repair":
        return f" shown the failure of {edge['parent'] + 1}"
    if edge["kind"] == "onward":
        return f" in what follows {edge['parent'] + 1}"
    return f" from {edge['parent'] + 1} at token {edge['position'] + 1}, {shown(clean(edge['text']).strip())!r}"


def _verdict(attempt: Attempt) -> str:
    like = f", as {attempt.twin + 1}" if attempt.twin is not None else ""
    if attempt.passed:
        return f"passed {attempt.checked} examples{like}" if attempt.checked else f"runs; no example checks it{like}"
    return clean(attempt.failures[0] if attempt.failures else attempt.verdict) + like
