"""Cut a program that is being written back to the lines that can run already. Runs nothing."""

from __future__ import annotations

from agent.program.syntax import is_degenerate, parse

_DEEPEST = " " * 40  # deeper than any line that opens a block


def cut_to_runnable(source: str) -> str | None:
    """Return the first whole lines of a program, closed so that they parse; None where they do nothing yet."""
    lines = source.split("\n")[:-1]  # the last line is still being written
    while lines:
        kept = "\n".join(lines)
        closed = next((text for text in (f"{kept}\n", f"{kept}\n{_DEEPEST}...\n") if parse(text)), None)
        if closed is not None:
            return None if is_degenerate(closed) else closed
        lines.pop()
    return None
