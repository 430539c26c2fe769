"""Decide what shown examples mean, and leave unread those that could mean two things.

A text names functions that it does not define, strings without quotes and tuples without commas. Its other examples and
the annotations say which reading is right; where they do not, there is none.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent.program.examples.annotations import find_kind_name, fits_annotation, is_plain
from agent.program.examples.docstrings import Definitions, Signature
from agent.program.examples.page import Page, ShownExample

_BUILTINS = frozenset(dir(builtins))
_TEXTUAL = re.compile(r"\b(?:strings?|str|words?|texts?|characters?|letters?|names?|sentences?)\b", re.IGNORECASE)
_STRUCTURES = re.compile(r"\b(?:ListNode|TreeNode|linked list|binary (?:search )?tree)\b", re.IGNORECASE)
_CHANGED = r"(?:list|array|matrix|grid|board|dict\w*|set|input|arguments?|parameters?|nums|numbers|object)"
_IN_PLACE = re.compile(
    rf"\bin[- ]?place\b|(?<!not )(?<!n't )(?<!never )\b(?:modify|modifies|mutates?)\s+(?:the|its|this|a|an|your)\s+"
    rf"(?:\w+\s+)?{_CHANGED}\b(?![^.]{{0,200}}\breturns?\s+(?!none\b|nothing\b))",
    re.IGNORECASE,
)
_RETURNS_NOTHING = re.compile(r"\breturns?\s+(?:none|nothing)\s*$", re.IGNORECASE)
_SOMETIMES = re.compile(r"\b(?:if|when|where|for|unless|otherwise|else|empty|no|or)\b", re.IGNORECASE)
_ANY_ORDER = re.compile(
    r"\b(?:any|arbitrary|no particular) order\b"
    r"|\border (?:of the \w+ )?(?:(?:does not|doesn't) matter|(?:is not|isn't) important)\b",
    re.IGNORECASE,
)
_TUPLES = re.compile(r"\btuple", re.IGNORECASE)
_LISTS = re.compile(r"\b(?:list|array|sequence|vector|string|separated)", re.IGNORECASE)
_ASKED_FOR = re.compile(
    r"\b(?:called|named|functions?|methods?|write|implement|define|create|code|program|def)\s+(?:a function\s+)?"
    r"`?([A-Za-z_]\w*)`?\s*(?=\(|[`.,:]|that\b|which\b|to\b|$)",
    re.IGNORECASE,
)


class Surroundings(NamedTuple):
    """What a prompt says around its examples."""

    request: str
    page: Page
    defined: Definitions
    signatures: dict[str, Signature]
    prints: bool  # shown outputs are printed, not returned

    def signature_of(self, example: ShownExample) -> Signature | None:
        """Return the signature of the function that an example calls, if the prompt has it."""
        return self.signatures.get(_name_of(example))


def settle_examples(shown: Sequence[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Return the examples that have one meaning, and a record without a call for each that cannot be read.

    What is no example, such as a general statement about the function, is left out.
    """
    examples = list(shown)
    for rule in _RULES:
        examples = rule(examples, around)
    return examples


def _name_of(example: ShownExample) -> str:
    return example.call.func.id if example.call and isinstance(example.call.func, ast.Name) else ""


def _unread(example: ShownExample) -> ShownExample:
    return example._replace(call=None, value=None, raises=None)


def _keep_if(examples: list[ShownExample], keeps: Callable[[ShownExample, ast.Call], bool]) -> list[ShownExample]:
    return [each if each.call is None or keeps(each, each.call) else _unread(each) for each in examples]


def _resolve_names(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Call the prompt's function where another name stands for it, and leave unread what calls something else."""
    names = {_name_of(each) for each in examples if each.call} - {""}
    functions = around.defined.names - around.defined.classes
    if not around.defined.names:
        asked = set(_ASKED_FOR.findall(around.request)) & names
        meant = asked or (names if len(names) == 1 else set())
        return _keep_if(examples, lambda each, _: _name_of(each) in meant)
    alias = _find_alias(examples, names, around)
    own = around.page.docstring.function
    if alias and own:
        renamed = ast.Name(own.name, ast.Load())
        examples = [
            each._replace(call=ast.Call(renamed, each.call.args, each.call.keywords))
            if each.call and _name_of(each) == alias
            else each
            for each in examples
        ]
    examples = [each for each in examples if not each.has_words or _name_of(each) in functions]
    return _keep_if(examples, lambda each, _: _name_of(each) in functions)


def _find_alias(examples: list[ShownExample], names: set[str], around: Surroundings) -> str | None:
    """Return the one name that the examples give to a function which they never call by its own.

    A name that the prompt uses elsewhere may be another function.
    """
    own = around.page.docstring.function
    if own is None or len(names) != 1 or names & (around.defined.names | _BUILTINS):
        return None
    alias = next(iter(names))
    calling = [each for each in examples if _name_of(each) == alias]
    uses = re.findall(rf"\b{re.escape(alias)}\b", around.request)
    starts = all(re.match(rf"(?:assert\s+)?{re.escape(alias)}\(", each.source) for each in calling)
    headed = all(around.page.under_heading[each.line] for each in calling)
    return alias if starts and headed and len(uses) == len(calling) else None


def _refuse_recurrences(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Leave unread the calls of a function that a line defines, as `f(n) = f(n - 1) + 1` does."""
    general = set(re.findall(r"\b(\w+)\s*\(\s*[a-zA-Z_]\w*\s*\)\s*=(?![=>])", around.page.docstring.text))
    read = [each for each in examples if _name_of(each) not in general]
    return [each for each in read if each.call or f"{each.source.split('(')[0]}" not in general]


def _refuse_what_does_not_return(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Leave unread calls of coroutines, what a function that returns nothing shows, and what may be printed."""

    changes = _changes_in_place(around.page.docstring.text)

    def returns(example: ShownExample, _: ast.Call) -> bool:
        signature = around.signature_of(example)
        nothing = signature and isinstance(signature.returns, ast.Constant) and signature.returns.value is None
        prints = around.prints and not example.named
        nothing = nothing or changes
        return not (nothing or prints or _name_of(example) in around.defined.waits)

    return _keep_if(examples, returns)


def _changes_in_place(text: str) -> bool:
    sentences = (sentence for sentence in re.split(r"[.;](?=\s|$)|\n", text) if _RETURNS_NOTHING.search(sentence[-60:]))
    return _IN_PLACE.search(text) is not None or any(not _SOMETIMES.search(sentence) for sentence in sentences)


def _refuse_other_arguments(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    def fits(example: ShownExample, call: ast.Call) -> bool:
        signature = around.signature_of(example)
        return signature is None or signature.fits(call)

    return _keep_if(examples, fits)


def _quote_words(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Read bare words as strings where the text is about strings, several stand in one place, and none is a name."""
    places = defaultdict[tuple[str, int], list[ast.expr]](list)
    for each in examples:
        shows_word = isinstance(each.value, ast.Name)
        for at, argument in enumerate(each.call.args if each.call and not shows_word else []):
            places[_name_of(each), at].append(argument)
    textual = {
        (name, at)
        for (name, at), arguments in places.items()
        if (signature := around.signatures.get(name)) and _are_words(arguments, signature, at, around)
    }

    def quote(example: ShownExample) -> ShownExample | None:
        call = example.call
        if call is None or not example.has_words:
            return example
        arguments = [
            ast.Constant(each.id) if isinstance(each, ast.Name) and (_name_of(example), at) in textual else each
            for at, each in enumerate(call.args)
        ]
        quoted = example._replace(call=ast.Call(call.func, arguments, call.keywords))
        if not quoted.has_words:
            return quoted
        words = [each for each in (*call.args, example.value) if isinstance(each, ast.Name)]
        return _unread(example) if _may_be_words(words, around.signature_of(example)) else None

    return [quoted for each in examples if (quoted := quote(each))]


def _may_be_words(arguments: Sequence[ast.expr], signature: Signature | None) -> bool:
    taken = {*(signature.parameters if signature else ()), *_BUILTINS}
    names = {each.id for each in arguments if isinstance(each, ast.Name)}
    kinds = {"string", "integer", "number", "boolean", "array", "list", "value", "result", "output", "error"}
    return all(len(name) > 1 and name not in taken and name.lower() not in kinds for name in names)


def _are_words(arguments: Sequence[ast.expr], signature: Signature, at: int, around: Surroundings) -> bool:
    """Decide whether all arguments at one place are strings that lack their quotes."""
    text = around.page.docstring.text
    words = {each.id for each in arguments if isinstance(each, ast.Name)}
    name = signature.parameters[at] if at < len(signature.parameters) else ""
    annotation = signature.annotations.get(name)
    if annotation is not None and not (isinstance(annotation, ast.Name) and annotation.id == "str"):
        return False
    assigned = any(re.search(rf"\b{word}\s*=(?!=)", text) for word in words)
    taken = {*signature.parameters, *around.defined.names, *_BUILTINS}
    several = len(words) > 1 or annotation is not None
    textual = annotation is not None or _TEXTUAL.search(text) is not None
    return len(arguments) == sum(isinstance(e, ast.Name) for e in arguments) and (
        several and textual and not assigned and not words & taken
    )


def _refuse_other_types(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Leave unread what the annotations contradict, and lists that stand for linked nodes."""
    aliases = around.defined.names - around.defined.classes
    linked = _STRUCTURES.search(around.request) is not None

    def fits(example: ShownExample, call: ast.Call) -> bool:
        signature = around.signature_of(example)
        if signature is None:
            return True
        annotations = [*signature.annotations.values(), *([signature.returns] if signature.returns else [])]
        if (linked and not example.named) or not all(is_plain(each, aliases) for each in annotations):
            return False
        pairs = [*zip(signature.parameters, call.args, strict=False), *((k.arg or "", k.value) for k in call.keywords)]
        expected = [(signature.returns, example.value)] if example.value and not example.loose else []
        return all(fits_annotation(signature.annotations.get(name), value) for name, value in pairs) and all(
            fits_annotation(annotation, value) for annotation, value in expected
        )

    return _keep_if(examples, fits)


def _settle_tuples(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Read `("a")` and `1, 2` as tuples where the other examples or the annotation are of tuples.

    Where nothing says so, they are what Python reads: not where the text speaks of tuples, or of lists.
    """
    text = around.page.docstring.text
    firm = [each.value for each in examples if each.call and each.value and not each.loose]
    tuples = bool(firm) and all(isinstance(value, ast.Tuple) for value in firm)

    def settle(example: ShownExample) -> ShownExample:
        if example.call is None or example.value is None or not example.loose:
            return example
        signature, is_tuple = around.signature_of(example), isinstance(example.value, ast.Tuple)
        annotation = find_kind_name(signature.returns) if signature else ""
        if tuples or annotation in ("tuple", "Tuple"):
            return example if is_tuple else example._replace(value=ast.Tuple([example.value], ast.Load()))
        if is_tuple:
            plain = not firm and annotation == "" and not _LISTS.search(text)
        else:
            plain = bool(firm) or not _TUPLES.search(text)
        return example if plain else _unread(example)

    return [settle(each) for each in examples]


def _refuse_contradictions(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Leave unread the calls that are shown with two values, and read an example that stands twice once."""
    values = defaultdict[str, dict[str, int]](dict)
    for number, each in enumerate(examples):
        if each.call:
            value = ast.unparse(each.value) if each.value else f"raises {each.raises}"
            values[ast.unparse(each.call)].setdefault(value, number)
    firsts = {number for shown in values.values() for number in shown.values()}
    kept = [each for number, each in enumerate(examples) if each.call is None or number in firsts]
    return _keep_if(kept, lambda _, call: len(values[ast.unparse(call)]) == 1)


def _refuse_orders(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Leave unread the sequences that may come in another order."""
    text = around.page.docstring.text
    return _keep_if(examples, lambda each, _: not may_be_reordered(each.value, text))


def may_be_reordered(value: ast.expr | None, text: str) -> bool:
    """Decide whether a value is a sequence that a text allows in any order."""
    return isinstance(value, ast.List | ast.Tuple) and len(value.elts) > 1 and _ANY_ORDER.search(text) is not None


def _refuse_first_lines(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Leave unread what shows the first line of several as its value."""
    return _keep_if(examples, lambda each, _: each.raises is not None or not around.page.goes_on(each.last))


def _refuse_taken_back(examples: list[ShownExample], around: Surroundings) -> list[ShownExample]:
    """Leave unread what stands below a heading such as `Wrong:`."""
    return _keep_if(examples, lambda each, _: not around.page.taken_back[each.line])


_RULES = (
    _refuse_taken_back,
    _refuse_orders,
    _refuse_first_lines,
    _resolve_names,
    _refuse_recurrences,
    _refuse_what_does_not_return,
    _refuse_other_arguments,
    _quote_words,
    _refuse_other_types,
    _settle_tuples,
    _refuse_contradictions,
)
