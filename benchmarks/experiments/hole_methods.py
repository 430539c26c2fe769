"""Ways to leave out what is not to be trusted, to compare with hole-sets at equal coverage. Decodes nothing.

Each turns a program and a bound into holes. The bounds are tested in their order, from the one that keeps least on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from agent.program.charges import charge_code, place_charges
from benchmarks.experiments.hole_examples import HoleExample, ScoredToken
from uncertainty.prediction_set import HoleSets, PartialProgram
from uncertainty.tree import ProgramTree, program_tree

Charge = Callable[[ScoredToken], float]  # the cost of a token, in nats
Method = Callable[[HoleExample, int], Iterator[PartialProgram]]  # the partial programs of a number of holes, by bound

# Nats that the kept nodes may cost: fixed before any label is seen, in the order of the tests.
KEPT_NATS: tuple[float, ...] = (0.0, *(0.05 * 1200 ** (step / 98) for step in range(99)))
TAUS = tuple(math.exp(-bound) for bound in KEPT_NATS)

_PAUSE = 1.0  # nats of entropy, at which adadec pauses

CHARGES: Mapping[str, Charge] = {
    "surprisal": lambda token: token.surprisal,
    "entropy": lambda token: token.entropy,
    "pauses": lambda token: float(token.entropy >= _PAUSE),
}


def find_smallest(example: HoleExample, holes: int, charge: Charge = CHARGES["surprisal"]) -> Iterator[PartialProgram]:
    """Yield the smallest hole-set for each of TAUS."""
    sets = HoleSets(build_tree(example, charge), holes)
    return (sets.partial(example.program, tau, holes) for tau in TAUS)


def find_by_agreement(example: HoleExample, holes: int, samples: Sequence[str]) -> Iterator[PartialProgram]:
    """Yield the smallest hole-set for each of TAUS, where a line costs -ln of the share of programs that have it.

    samples: other programs for the same problem. The program itself counts as one, so that no share is zero. A line's
    cost is spread over its characters; blanks do not tell lines apart.
    """
    others, charges, at = [set(map(_squeeze, sample.splitlines())) for sample in samples], list[tuple[int, float]](), 0
    for line in example.program.splitlines(keepends=True):
        share = (1 + sum(_squeeze(line) in lines for lines in others)) / (1 + len(others))
        places = [at + column for column, character in enumerate(line) if not character.isspace()]
        charges += [(place, -math.log(share) / len(places)) for place in places]
        at += len(line)
    sets = HoleSets(charge_code(example.program, charges), holes)
    return (sets.partial(example.program, tau, holes) for tau in TAUS)


def _squeeze(line: str) -> str:
    return "".join(line.split())


def find_with_prose(example: HoleExample, holes: int) -> Iterator[PartialProgram]:
    """Yield the smallest hole-set for each of TAUS, where comments and docstrings are charged, too."""
    tree = program_tree(example.program, _list_charges(example, CHARGES["surprisal"]))
    sets = HoleSets(tree, holes)
    return (sets.partial(example.program, tau, holes) for tau in TAUS)


def find_nested(example: HoleExample, holes: int, *, with_prose: bool = False) -> Iterator[PartialProgram]:
    """Yield the smallest hole-set for each of TAUS that removes nothing which a larger tau keeps.

    So the paper makes the error fall with tau (PAC prediction sets, arXiv:2302.08703, section 3.3).
    """
    charges = _list_charges(example, CHARGES["surprisal"])
    tree, kept = (program_tree if with_prose else charge_code)(example.program, charges), set[int]()
    for tau in TAUS:
        sets = HoleSets(tree, holes, kept)
        removed = {each for node in sets.hole_nodes(tau, holes) for each in range(node, node + tree.sizes[node])}
        kept |= set(range(len(tree))) - removed
        yield sets.partial(example.program, tau, holes)


def mark_tokens(example: HoleExample, holes: int) -> Iterator[PartialProgram]:
    """Yield, for each of KEPT_NATS, the program without the nodes of tokens of more surprisal. Any number of holes."""
    tree = build_tree(example, CHARGES["surprisal"])
    highest = [0.0] * len(tree)
    for place, surprisal in place_charges(example.program, _list_charges(example, CHARGES["surprisal"])):
        owner = _find_owner(tree, place)
        highest[owner] = max(highest[owner], surprisal)
    for bound in KEPT_NATS:
        nodes, node = list[int](), 0
        while node < len(tree):
            is_hole = highest[node] > bound or math.isinf(tree.costs[node])
            nodes += [node] if is_hole else []
            node += tree.sizes[node] if is_hole else 1
        removed = sum(tree.sizes[each] for each in nodes)
        yield PartialProgram(example.program, tuple(tree.spans[each] for each in nodes), removed, len(tree), 0.0)


def build_tree(example: HoleExample, charge: Charge) -> ProgramTree:
    """Build the tree of a program, charged with the tokens of its code."""
    return charge_code(example.program, _list_charges(example, charge))


def _list_charges(example: HoleExample, charge: Charge) -> list[tuple[int, float]]:
    return [(token.place, charge(token)) for token in example.tokens]


HOLE_METHODS: Mapping[str, Method] = {
    **{f"smallest, {name}": partial(find_smallest, charge=charge) for name, charge in CHARGES.items()},
    "smallest, with prose": find_with_prose,
    "nested, surprisal": find_nested,
    "uncertain tokens": mark_tokens,
}


def _find_owner(tree: ProgramTree, place: int) -> int:
    """Return the deepest node that holds a character."""
    inside = (node for node, (start, end) in enumerate(tree.spans) if start <= place < end)
    return max(inside, default=0)
