"""Programs that try to escape, lie, tell or stay, each with the verdict it must get. Only text: nothing runs here."""

from itertools import groupby

from sandbox import Verdict

from .base import EVERYWHERE, Hostile
from .crash import CRASH
from .escape import ESCAPE
from .exhaust import EXHAUST
from .lie import LIE
from .stay import STAY
from .tell import TELL

FAMILIES = {"exhaust": EXHAUST, "stay": STAY, "crash": CRASH, "lie": LIE, "tell": TELL, "escape": ESCAPE}
HOSTILE: dict[str, Hostile] = {name: hostile for family in FAMILIES.values() for name, hostile in family.items()}


def table():
    """All programs as docs/threat-model.md lists them: a row for each family, verdict and set of sandboxes."""
    rows = ["| to | verdict | promised by | programs |", "|---|---|---|---|"]
    for family, programs in FAMILIES.items():
        order = sorted(programs, key=lambda name: _row(programs[name]))
        for (verdict, held), names in groupby(order, key=lambda name: _row(programs[name])):
            shown = list(Verdict)[verdict]
            rows.append(f"| {family} | {shown} | {_promised(held)} | {'; '.join(names)} |")
    return "\n".join(rows)


def _row(hostile):
    return list(Verdict).index(hostile.verdict), hostile.held


def _promised(held):
    return "all" if held == EVERYWHERE else ", ".join(held)
