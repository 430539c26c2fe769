"""Charge the nodes of a program with the doubt about its code: comments and docstrings do nothing, and cost nothing."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from agent.program.wording import read_wording
from uncertainty.tree import ProgramTree, program_tree

_BLANKS = re.compile(r"\s*")


def charge_code(source: str, charges: Iterable[tuple[int, float]]) -> ProgramTree:
    """Build the tree of a program, charged with what begins in its code: character offsets, and nats.

    A charge on blanks before a comment is one on the comment. A source that Python cannot split into tokens is all
    code.
    """
    wording = read_wording(source)
    prose = sorted((*wording.comments, *wording.docstrings))

    def is_code(at: int) -> bool:
        blanks = _BLANKS.match(source, max(at, 0))
        place = blanks.end() if blanks else at
        number = bisect_right(prose, (place, len(source))) - 1
        return number < 0 or place >= prose[number][1]

    return program_tree(source, [(at, nats) for at, nats in charges if is_code(at)])
