"""The reasons for which decoding ends. A caller's own stop rule may give another text."""

from __future__ import annotations

from enum import StrEnum


class End(StrEnum):
    """The ways for a completion to end."""

    END_TOKEN = "end token"
    END_OF_FUNCTION = "end of function"
    END_OF_BLOCK = "end of code block"  # a chat answer may go on after it
    BEHIND_PROGRAM = "line behind the program"  # the style's: a test, a print, a main
    STOP_TEXT = "stop text"  # of the prompt style
    TOKEN_BUDGET = "token budget"
    FORWARDS_BUDGET = "forwards budget"
    SECONDS_BUDGET = "seconds budget"
    NO_PYTHON = "no Python any more"
    DUPLICATE = "duplicate of an earlier program"
    BEAM = "beam"  # beam search chose the whole completion


PRUNED = frozenset({End.NO_PYTHON, End.DUPLICATE})  # a branch was dropped before it was a program
CUT_OFF = frozenset({End.TOKEN_BUDGET, End.FORWARDS_BUDGET, End.SECONDS_BUDGET})  # the program may not be whole
BUDGET_ENDS = {"forwards": End.FORWARDS_BUDGET, "seconds": End.SECONDS_BUDGET}  # by part of the budget
