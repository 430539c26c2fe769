"""The places of a file where the model is least sure, read token by token. Writes nothing."""

from __future__ import annotations

import math

from agent.errors import InvalidRequestError
from agent.lm.base import Model
from agent.lm.reading import read_through
from agent.program.charges import charge_code
from agent.program.syntax import parse
from agent.servers.mcp.records import Doubt, Doubts, OtherCode
from agent.views.alternatives import Alternative, choose_alternatives
from uncertainty.prediction_set import HoleSets

_LEAST_SURE = 0.2  # of the nodes of a file
_NOTE = "uncalibrated: the model only read this code, so nothing is guaranteed of the rest"


def find_doubts(model: Model, code: str, most: int) -> Doubts:
    """Return the places where a model is least sure of code. Raises InvalidRequestError for what is no Python."""
    if parse(code) is None:
        raise InvalidRequestError("this is no Python, or is nested too deeply for Python itself; mend it first")
    tokens = list(read_through(model, code))
    charges = [(token.start, token.surprisal) for token in tokens]
    tree = charge_code(code, charges)
    if len(tree) == 1:
        return Doubts(doubts=[], note="there is no code, or too many statements side by side")
    partial = HoleSets(tree, most).least_sure(code, math.ceil(_LEAST_SURE * len(tree)), most)
    others = [Alternative(token.start, *each) for token in tokens for each in token.expected]
    nats = {span: sum(cost for at, cost in charges if span[0] <= at < span[1]) for span in partial.holes}
    spans = sorted(partial.holes, key=lambda span: -nats[span])
    return Doubts(doubts=[_describe(code, span, nats[span], others) for span in spans], note=_NOTE)


def _describe(code: str, span: tuple[int, int], nats: float, others: list[Alternative]) -> Doubt:
    (line, column), (end_line, end_column) = (_locate(code, place) for place in span)
    ways = choose_alternatives(code, others, *span)
    return Doubt(
        line=line, column=column, end_line=end_line, end_column=end_column, code=code[slice(*span)],
        probability=math.exp(-nats), alternatives=[OtherCode(code=each.text, probability=each.probability) for each in ways],
    )  # fmt: skip


def _locate(code: str, place: int) -> tuple[int, int]:
    """Return the line and the column of a character, from 1."""
    return code.count("\n", 0, place) + 1, place - code.rfind("\n", 0, place)
