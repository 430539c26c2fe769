"""Decide whether a program fits a partial program, by syntax alone. Whether it does what is asked is not decided here.

Containment is that of prediction sets over syntax trees (PAC code sets, arXiv:2302.08703): what is kept must agree, and
a hole matches any subtree. The names of variables do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from agent.program.partial_tree import PartialNode, find_hole_nodes, read_partial_tree
from agent.program.syntax import parse
from agent.program.variables import NameScope, Variable, Variables, read_own_names
from uncertainty.places import Span

_BASE_STEPS = 100_000
_STEPS_A_CHARACTER = 10  # more than a comparison without a choice takes, so that only choices can reach the bound

_Pattern = PartialNode[str]
_Program = PartialNode[Variable]


def contains(source: str, holes: Sequence[Span], reference: str, *, called: Collection[str] | None = None) -> bool:
    """Decide whether the reference, with other names for its variables, is the source with its holes filled.

    holes: spans in characters, end exclusive, each of one syntax node or of the whole text. Nodes outside of holes are
    equal in type and own fields, and their children in order. A hole fills one place with any one subtree, and a place
    in a list (statements, arguments, elements, decorators, handlers …) with any run of subtrees, the empty run
    included. Layout, comments, parentheses and statements that are only a text do not count.

    The names that the reference gives to its own variables may be replaced, each by one name in its whole scope, and
    only so that every name still means the same variable. `called`: names by which other code reaches the program. They
    stay, and so do all names of the module where it is None. See `Variables` for what else stays.

    Always true for a hole over the whole text, for a text that is not Python, and for the source itself. Otherwise
    false for a reference that is not Python, and where the search has not ended after 100,000 comparisons and 10 more
    for each character: several holes in one list may be filled in many ways. Never raises.
    """
    tree = parse(source)
    if tree is None or source == reference:
        return True
    removed = find_hole_nodes(source, tree, holes)
    if any(hole is tree for hole in removed):
        return True
    program = _read_program(reference, None if called is None else frozenset(called))
    pattern = read_partial_tree(tree, removed, read_own_names)
    steps = _BASE_STEPS + _STEPS_A_CHARACTER * (len(source) + len(reference))
    return program is not None and _Search(pattern, program).succeeds(steps)


class _Reference(NamedTuple):
    root: _Program
    variables: Variables


@lru_cache(maxsize=64)
def _read_program(text: str, called: frozenset[str] | None) -> _Reference | None:
    tree = parse(text)
    if tree is None:
        return None
    variables = Variables(tree, called=called)
    return _Reference(read_partial_tree(tree, (), variables.find), variables)


class _Alignment(NamedTuple):
    """Two lists to be matched: nodes of the pattern from `at` on, and nodes of the program from `there` on."""

    pattern: Sequence[_Pattern]
    at: int
    program: Sequence[_Program]
    there: int


_Agenda = tuple[_Alignment, "_Agenda"] | None  # a linked list: going back to an earlier one costs nothing


class _Renaming:
    """The names that variables of the program have, so that no two variables of one name are mistaken for each other.

    The names that were given last can be taken back.
    """

    def __init__(self, variables: Iterable[Variable]) -> None:
        self.given: list[Variable] = []
        self._names = dict[Variable, str]()
        self._homes, self._paths = Counter[tuple[str, NameScope]](), Counter[tuple[str, NameScope]]()
        for variable in variables:
            if not variable.renamable:
                self._count(variable, variable.name, 1)

    def give(self, variable: Variable, name: str) -> bool:
        """Give a variable a name, if it has none yet; return whether the variable has this name now."""
        if not variable.renamable or variable in self._names:
            return self._names.get(variable, variable.name) == name
        if not variable.may_become(name) or self._is_in_use(variable, name):
            return False
        self._names[variable] = name
        self._count(variable, name, 1)
        self.given.append(variable)
        return True

    def take_back(self, count: int) -> None:
        """Forget all names but the first ones that were given."""
        while len(self.given) > count:
            variable = self.given.pop()
            self._count(variable, self._names.pop(variable), -1)

    def _is_in_use(self, variable: Variable, name: str) -> bool:
        """Decide whether another variable of this name is looked up through this one's home, or the reverse."""
        through_here = self._paths[name, variable.home] > 0
        return through_here or any(self._homes[name, scope] > 0 for scope in variable.path)

    def _count(self, variable: Variable, name: str, change: int) -> None:
        self._homes[name, variable.home] += change
        self._paths.update({(name, scope): change for scope in variable.path})


class _Choice(NamedTuple):
    """A run whose end was chosen: the alignment with the next end to try, and what else was left to do."""

    alignment: _Alignment
    agenda: _Agenda
    postponed: _Agenda
    names: int  # that were given


class _Search:
    """A search for names and ends of runs with which a program fits a pattern. Alignments with a choice come last."""

    def __init__(self, pattern: _Pattern, reference: _Reference) -> None:
        self._agenda: _Agenda = (_Alignment([pattern], 0, [reference.root], 0), None)
        self._postponed: _Agenda = None
        self._choices: list[_Choice] = []
        self._renaming = _Renaming(reference.variables)

    def succeeds(self, steps: int) -> bool:
        """Return whether the program fits; False, too, where the steps do not suffice."""
        for _ in range(steps):
            if self._agenda:
                (alignment, self._agenda) = self._agenda
                goes_on = self._align(alignment)
            elif self._postponed:
                (alignment, self._postponed) = self._postponed
                goes_on = self._choose_end(alignment)
            else:
                return True
            if not goes_on and not self._go_back():
                return False
        return False

    def _align(self, alignment: _Alignment) -> bool:
        """Compare the first nodes of two lists, and leave the rest on the agenda. Return whether they can agree."""
        pattern, at, program, there = alignment
        if at < len(pattern) and pattern[at].is_run:
            return self._enter_run(alignment)
        if at == len(pattern) or there == len(program):
            return at == len(pattern) and there == len(program)
        self._agenda = (_Alignment(pattern, at + 1, program, there + 1), self._agenda)
        return pattern[at].is_subtree or self._match(pattern[at], program[there])

    def _match(self, node: _Pattern, other: _Program) -> bool:
        """Compare two nodes but for their children, and put these on the agenda."""
        sizes = [(len(each.names), len(each.slots)) for each in (node, other)]
        if node.label != other.label or sizes[0] != sizes[1]:
            return False
        for mine, theirs in zip(reversed(node.slots), reversed(other.slots), strict=True):
            if mine or theirs:
                self._agenda = (_Alignment(mine, 0, theirs, 0), self._agenda)
        return all(self._renaming.give(*pair) for pair in zip(other.names, node.names, strict=True))

    def _enter_run(self, alignment: _Alignment) -> bool:
        """Align what stands behind the last run of a list. Postpone what stands before, unless there is no choice."""
        pattern, at, program, there = alignment
        last = max(index for index, node in enumerate(pattern) if node.is_run)
        end = len(program) - (len(pattern) - last - 1)
        self._agenda = (_Alignment(pattern, last + 1, program, end), self._agenda)
        if last > at:
            self._postponed = (_Alignment(pattern[at : last + 1], 0, program[there:end], 0), self._postponed)
        return there <= end

    def _choose_end(self, alignment: _Alignment) -> bool:
        """End a run, and remember the next place where it may end instead."""
        pattern, at, program, there = alignment
        kept = sum(not node.is_run for node in pattern[at:])
        if there + kept > len(program):
            return False
        later = alignment._replace(there=there + 1)
        self._choices.append(_Choice(later, self._agenda, self._postponed, len(self._renaming.given)))
        self._agenda = (alignment._replace(at=at + 1), self._agenda)
        return True

    def _go_back(self) -> bool:
        """Return to the last choice and take its next end. Return whether there was one."""
        while self._choices:
            choice = self._choices.pop()
            self._renaming.take_back(choice.names)
            self._agenda, self._postponed = choice.agenda, choice.postponed
            if self._choose_end(choice.alignment):
                return True
        return False
