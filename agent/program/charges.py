"""Charge the nodes of a program with the doubt about its code: comments and docstrings do nothing, and cost nothing."""

from __future__ import annotations

from collections.abc import Iterable

from agent.program.wording import read_wording
from uncertainty.tree import ProgramTree, program_tree


def charge_code(source: str, charges: Iterable[tuple[int, float]]) -> ProgramTree:
    """Build the tree of a program, charged with what begins in its code: character offsets, and nats."""
    wording = read_wording(source)
    prose = [*wording.comments, *wording.docstrings]
    kept = [(at, nats) for at, nats in charges if not any(start <= at < end for start, end in prose)]
    return program_tree(source, kept)
