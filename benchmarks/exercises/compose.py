"""A meaning becomes an exercise: names, sentence, signature, examples, body. Every choice comes from a seed."""

# ruff: noqa: SIM905 - many words read better in a row than as a list
from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.exercises.grammar import Meaning
from benchmarks.exercises.kinds import KINDS, Kind

_VERBS = (
    "process handle compute evaluate transform inspect run apply work build make resolve treat derive assess prepare "
    "perform execute check_out scan review arrange produce form settle study"
).split()
_NOUNS = (
    "items values data result entries series input answer task step part record case piece unit block set_up job"
).split()
_PLAIN_NAMES = ("solution", "solve", "answer", "f", "compute", "task", "func", "main_task", "g", "do_it")
_LOCALS: dict[str, tuple[str, ...]] = {
    "x": ("x", "item", "value", "v", "element", "e", "n", "w", "u"),
    "y": ("y", "z", "key", "other_value"),
    "out": ("out", "result", "res", "output", "found"),
    "total": ("total", "count", "result", "s"),
    "acc": ("acc", "total", "result", "value_so_far"),
    "best": ("best", "top", "result"),
    "rest": ("rest", "others", "remaining"),
    "i": ("i", "index", "idx"),
    "part": ("part", "window", "chunk"),
    "visit": ("visit", "go", "walk"),
}
_OPENINGS = (
    ("Return ", ("Return ",) * 6 + ("Write a function that returns ", "Give back ")),
    (
        "Return the ",
        ("Return the ",) * 2 + ("Compute the ", "Find the ", "Determine the ", "Calculate the "),
    ),
)
# "the numbers in xs that are even" is also "the even numbers in xs"
_NOUN = r"\b(?:numbers|integers|elements|values|entries|divisors|digits|words|strings|keys|characters)\b"
_BEFORE = "even|odd|positive|negative|prime|lowercase|uppercase|alphabetic"
_OTHERS = r"\b(?:that|those|ones?|results|are|and|or)\b"  # an adjective behind these belongs to them
_ADJECTIVE = re.compile(rf"({_NOUN})((?:(?!{_NOUN}|{_OTHERS})[^.,;:])*?) that are ({_BEFORE})(?=[.,;])")
_BEFORE_NOUN = 0.35  # how often an adjective goes there
_ARGUMENT = "argument_"  # before a role, until names are chosen
_LONGEST_EXAMPLE = 70
_FIRST = 0.9  # how often a solution is written in its first way, and a local has its first name
_DOUBLE = re.compile(r"\w\(\(")


@dataclass(frozen=True, slots=True)
class Exercise:
    """One way to put a meaning: everything that is needed to write it as a problem or as training text."""

    meaning: Meaning
    name: str
    names: Mapping[str, str]  # role → argument name
    sentence: str
    signature: str  # "def f(xs: list[int]) -> int:", with the import it needs before it
    prompt: str
    body: str  # starts with a line break, ends with one
    examples: tuple[tuple[Any, ...], ...]

    @property
    def program(self) -> str:
        """The whole reference program."""
        return self.prompt + self.body

    @property
    def short_program(self) -> str:
        """The program without its docstring."""
        return self.signature + self.body


def compose(meaning: Meaning, seed: str) -> Exercise:
    """Put a meaning into words and code."""
    random = Random(f"{seed} names")
    kinds = roles(meaning)
    names = _argument_names(kinds, random)
    name = _function_name(random)
    sentence = _sentence(meaning, names, kinds, Random(f"{seed} phrase"))
    body = write_body(meaning, names, Random(f"{seed} code"))
    signature = _signature(meaning, name, names, kinds, random)
    examples = _examples(
        load_function(f"{signature}{body}", name), draw_inputs(meaning, f"{seed} examples", 14), random
    )
    prompt = _prompt(signature, name, sentence, examples, random)
    return Exercise(meaning, name, names, sentence, signature, prompt, body, tuple(args for args, _ in examples))


def roles(meaning: Meaning) -> dict[str, Kind]:
    """The arguments of a meaning and their kinds, in order."""
    return {role: KINDS[kind] for role, kind in (part.split(":") for part in meaning.family.args.split())}


def draw_inputs(meaning: Meaning, seed: str, count: int) -> list[tuple[Any, ...]]:
    """Distinct argument tuples, edge cases first; fewer than `count` where some were equal."""
    random = Random(seed)
    columns = [kind.inputs(random, count) for kind in roles(meaning).values()]
    return list({repr(row): row for row in zip(*columns, strict=True)}.values())


def write_body(meaning: Meaning, names: Mapping[str, str], random: Random) -> str:
    """The function's body, mostly in its first way, with local names that do not collide with the arguments'."""
    marked = meaning.code(lambda ways: _mostly_first(ways, random), {role: _ARGUMENT + role for role in names})
    tree = ast.parse(marked)
    if marked.count("not ") > 1:
        tree = _Undouble().visit(tree)
    _rename(tree, {_ARGUMENT + role: name for role, name in names.items()}, random)
    return "\n" + textwrap.indent(bare_generators(ast.unparse(tree)), "    ") + "\n"


def bare_generators(code: str) -> str:
    """Drop the second brackets that ast.unparse gives `sum((x for x in xs))`. No string there may hold one."""
    at = 0
    while opened := _DOUBLE.search(code, at):
        at = opened.end() - 1  # the inner bracket
        end = _closing(code, at)
        if code[end + 1 : end + 2] == ")" and " for " in code[at:end]:
            code = code[:at] + code[at + 1 : end] + code[end + 1 :]
    return code


class _Undouble(ast.NodeTransformer):
    """`not not c` is c where only its truth counts, as it does in every test of ours."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Drop a pair of `not`."""
        self.generic_visit(node)
        match node:
            case ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), inner)):
                return inner
        return node


def _mostly_first(ways: Sequence[str], random: Random) -> str:
    """Usage is uneven in real code too; where all ways are equally likely, a model's doubt is about style alone."""
    return ways[0] if random.random() < _FIRST else random.choice(ways)


def _closing(code: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(code)):
        depth += (code[at] in "([") - (code[at] in ")]")
        if depth == 0:
            return at
    raise ValueError(f"bracket {opening} is never closed in {code!r}")


def load_function(program: str, name: str) -> Callable[..., Any]:
    """Execute one of our own programs and return its function. Not for anything that a model wrote."""
    space: dict[str, Any] = {}
    exec(compile(program, "<exercise>", "exec"), space)
    found: Callable[..., Any] = space[name]
    return found


def format_call(name: str, args: tuple[Any, ...]) -> str:
    """A call as the docstring shows it."""
    return f"{name}({', '.join(map(repr, args))})"


def _rename(tree: ast.Module, names: Mapping[str, str], random: Random) -> None:
    """Give arguments and locals their names, in place."""
    mapping, nodes = dict(names), list(ast.walk(tree))
    for local in _locals(nodes):
        if local not in mapping:
            options = _LOCALS.get(local, (local,))
            free = [
                option
                for option in (_mostly_first(options, random), *options, f"{local}_1")
                if option not in mapping.values()
            ]
            mapping[local] = free[0]
    for node in nodes:
        if isinstance(node, ast.Name):
            node.id = mapping.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = mapping.get(node.arg, node.arg)
        elif isinstance(node, ast.FunctionDef):
            node.name = mapping.get(node.name, node.name)


def _locals(nodes: Iterable[ast.AST]) -> list[str]:
    """Names that the body binds, in the order of the nodes."""
    bound: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound[node.id] = None
        elif isinstance(node, ast.arg):
            bound[node.arg] = None
        elif isinstance(node, ast.FunctionDef):
            bound[node.name] = None
    return list(bound)


def _argument_names(kinds: Mapping[str, Kind], random: Random) -> dict[str, str]:
    names: dict[str, str] = {}
    for role, kind in kinds.items():
        names[role] = random.choice([name for name in kind.names if name not in names.values()])
    return names


def _function_name(random: Random) -> str:
    return random.choice(
        (random.choice(_PLAIN_NAMES), f"{random.choice(_VERBS)}_{random.choice(_NOUNS)}", random.choice(_VERBS))
    )


def _sentence(meaning: Meaning, names: Mapping[str, str], kinds: Mapping[str, Kind], random: Random) -> str:
    text = meaning.phrase(random.choice, {role: (f"<{role}>",) for role in kinds})
    if random.random() < _BEFORE_NOUN:
        text = _ADJECTIVE.sub(r"\3 \1\2", text)
    for role, kind in kinds.items():
        while (mark := f"<{role}>") in text:
            text = text.replace(mark, random.choice(kind.refer).format(names[role]), 1)
    for opening, ways in _OPENINGS:
        if text.startswith(opening):
            text = random.choice(ways) + text.removeprefix(opening)
    if text.startswith("Return ") and random.random() < 0.12:
        given = " and ".join(kind.given.format(names[role]) for role, kind in kinds.items())
        text = f"Given {given}, return {text.removeprefix('Return ')}"
    if not text.startswith(tuple(f"{name} " for name in names.values())):  # "xs holds" stays as it is
        text = text[0].upper() + text[1:]
    return " ".join([text, *meaning.notes])


def _signature(meaning: Meaning, name: str, names: Mapping[str, str], kinds: Mapping[str, Kind], random: Random) -> str:
    parameters = ", ".join(f"{names[role]}: {kind.type}" for role, kind in kinds.items())
    line = f"def {name}({parameters}) -> {meaning.family.returns}:"
    if random.random() > 0.15:
        return line
    old = re.sub(r"\b(list|dict|tuple)\[", lambda match: f"{match[1].capitalize()}[", line)
    used = sorted({match.capitalize() for match in re.findall(r"\b(list|dict|tuple)\[", line)})
    return f"from typing import {', '.join(used)}\n\n\n{old}" if used else line


def _examples(
    function: Callable[..., Any], rows: list[tuple[Any, ...]], random: Random
) -> list[tuple[tuple[Any, ...], Any]]:
    """Two or three calls that are short and whose results differ, where such exist."""
    shown = [(args, function(*args)) for args in rows]
    short = [pair for pair in shown if len(repr(pair)) <= _LONGEST_EXAMPLE and "'" * 3 not in repr(pair)] or shown[:4]
    random.shuffle(short)
    first_of_each = list({repr(value): (args, value) for args, value in reversed(short)}.values())[::-1]
    chosen = (first_of_each + [pair for pair in short if pair not in first_of_each])[: random.choice((2, 3, 3))]
    return sorted(chosen, key=lambda pair: len(repr(pair[0])), reverse=random.random() < 0.5)


def _prompt(
    signature: str, name: str, sentence: str, examples: list[tuple[tuple[Any, ...], Any]], random: Random
) -> str:
    wrapped = textwrap.wrap(sentence, 88, break_long_words=False, break_on_hyphens=False)
    shown = [line for args, value in examples for line in (f">>> {format_call(name, args)}", repr(value))]
    opening, blank = random.choice(
        (('"""', [""]), ('"""', [""]), ('"""', []), ('""" ', []), ('"""\n    ', []), ('"""\n    ', [""]))
    )
    lines = [*wrapped, *blank, *shown, '"""']
    lines[0] = opening + lines[0]
    return "\n".join([signature, *(f"    {line}".rstrip() for line in lines)])
