"""Charge the nodes of a program with the doubt about its code: comments and docstrings do nothing, and cost nothing."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

from agent.program.wording import read_wording
from uncertainty.tree import ProgramTree, program_tree

COST_RULE = 2  # how nodes are charged; a calibration of another rule says nothing of the costs of this one
_BLANKS = re.compile(r"\s*")


def charge_code(source: str, charges: Iterable[tuple[int, float]]) -> ProgramTree:
    """Build the tree of a program, charged with what begins in its code: character offsets, and nats."""
    return program_tree(source, list(place_charges(source, charges)))


def place_charges(source: str, charges: Iterable[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    """Yield the charges on code, in the order of the text.

    Tokens of models often begin with the blank before a word. Such a charge is moved to the word, so the node of the
    word owns it. A token of blanks alone stays where it is, or goes with the comment behind it. A source that Python
    cannot split into tokens is all code.
    """
    wording = read_wording(source)
    prose = sorted((*wording.comments, *wording.docstrings))
    ordered = sorted(charges, key=lambda charge: charge[0])
    for (at, nats), (following, _) in pairwise([*ordered, (len(source), 0.0)]):
        word = _skip_blanks(source, at)
        number = bisect_right(prose, (word, len(source))) - 1
        if number < 0 or word >= prose[number][1]:
            yield (word if word < following else at), nats


def _skip_blanks(source: str, at: int) -> int:
    blanks = _BLANKS.match(source, max(at, 0))
    return blanks.end() if blanks else at
