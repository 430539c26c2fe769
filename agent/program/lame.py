"""Write the lame prompt: the same request without its examples (USCD, arXiv:2409.05923)."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

from agent.program.examples.read import find_example_lines
from agent.program.syntax import is_text, parse

_QUOTES = ('"""', "'''")


def write_lame_prompt(request: str, entry_point: str | None) -> str:
    """Return the request without its examples, for USCD's contrast; the same text if it shows none.

    Notes, constraints and definitions stay (arXiv:2409.05923, section 3.2; the rules are ours).
    """
    lines = request.splitlines(keepends=True)
    place = _find_last_docstring(request)
    if place is None and _only_text(request):
        return "".join(_drop_examples(_cut_sentences(lines, entry_point), None, ()))
    first, last = place or (0, 0)
    examples = find_example_lines(request, "".join(lines[first:last]))
    return "".join([*lines[:first], *_drop_examples(lines[first:last], entry_point, examples), *lines[last:]])


_HEADING = re.compile(
    r"^(for )?(examp?[lb]+es?|e\.g\.?|i\.e\.)(?!\w).{0,30}:?$|^(input|output|explanation)s?\s*\d*\s*:.*", re.IGNORECASE
)
_DESCRIBED = re.compile(r"^(input|output)s?\s*:$", re.IGNORECASE)  # a heading of prose, if prose stands below it
_PROSE = re.compile(r"^[a-z]+( [a-z]+){2,}", re.IGNORECASE)
_EXPLANATION = re.compile(r"^explanations?\s*:", re.IGNORECASE)
_RULE = re.compile(r"^([*\-•]\s|notes?\b|constraints?\b|definitions?\b|variables?\b)", re.IGNORECASE)
_INLINE = re.compile(r"(?<=[.;,]) (for example|e\.g\.).*", re.IGNORECASE)  # an example inside a line of text
# A call and its value; "if f(x) == 0" and the like are rules, not examples.
_ARROW = re.compile(r"^(?!(return|if|when|where)s?\b).*(=>|==>|➞|->|==)", re.IGNORECASE)
_LITERAL = re.compile(r"^(True|False|None|[-\[({'\"\d])")


def _drop_examples(body: list[str], entry_point: str | None, examples: Collection[int]) -> list[str]:
    """Return the lines without those of examples. examples: the numbers of some that are read."""
    # `f()` in a sentence is a name, not a call.
    call = re.compile(rf"\b{re.escape(entry_point)}\s*\((?!\))") if entry_point else None
    defines = entry_point is not None and _defines_general_case(body, entry_point)
    lines, before = list[str](), ""  # before: why the line above was dropped
    for number, line in enumerate(body):
        text, below = line.strip(), body[number + 1].strip() if number + 1 < len(body) else ""
        shown = not defines and bool((call and call.search(text)) or _ARROW.search(text))
        read = not defines and number in examples and text not in _QUOTES
        before = "shown" if read else _classify_line(text, below, before, shown=shown)
        if shown and (inline := _INLINE.search(line)) and not _RULE.match(text):
            lines.append(line[: inline.start()] + (text[-3:] if text.endswith(_QUOTES) else "") + "\n")
        elif not before or text.endswith(_QUOTES):
            lines.append(line)
    return lines


_SENTENCE = re.compile(r"(?<=[.;!?])(?=\s+\w)")
_LEAD = re.compile(
    r"[\s,;:(]*(?:\b(?:so that|such that|for example|for instance|e\.g\.?|i\.e\.?|where|like|as in|and))?[\s,:(]*$",
    re.IGNORECASE,
)


def _cut_sentences(lines: list[str], entry_point: str | None) -> list[str]:
    """Return the lines of a request in prose, each sentence up to the example in it."""
    if entry_point is None:
        return lines
    call = re.compile(rf"\b{re.escape(entry_point)}\s*\(\s*(?=[\[({{'\"\d.+-]|True|False|None)")
    cut = (("".join(_cut_sentence(sentence, call) for sentence in _SENTENCE.split(line)), line) for line in lines)
    return [short for short, line in cut if short.strip() or not line.strip()]


def _cut_sentence(sentence: str, call: re.Pattern[str]) -> str:
    shown = call.search(sentence)
    if shown is None or sentence.startswith("assert "):
        return sentence
    rest = _LEAD.sub("", sentence[: shown.start()])
    ending = "\n" if sentence.endswith("\n") else ""
    return f"{rest}.{ending}" if rest.strip() else ending


def _classify_line(text: str, below: str, before: str, *, shown: bool) -> str:
    """Return the kind of example that a line belongs to; empty for none. before: the kind of the line above."""
    if not text or text in _QUOTES or _RULE.match(text):
        return ""
    if _EXPLANATION.match(text):
        return "explanation"
    if text.startswith((">>>", "...", "assert ")) or (
        _HEADING.match(text) and not (_DESCRIBED.match(text) and _PROSE.match(below))
    ):
        return "heading"
    if shown or (before and _LITERAL.match(text)):
        return "shown"
    return before if before == "explanation" else ""


def _defines_general_case(body: list[str], entry_point: str) -> bool:
    """Decide whether a line defines the function for a variable, as a recurrence does: such lines are specification."""
    general = re.compile(rf"\b{re.escape(entry_point)}\s*\(\s*[a-zA-Z_]\w*\s*\)\s*(->|==?)(?!>)")
    return any(general.search(line) for line in body if not line.strip().startswith(">>>"))


def _find_last_docstring(request: str) -> tuple[int, int] | None:
    tree = parse(request.rstrip() + "\n    pass\n")
    if tree is None:
        return None
    owners = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    texts = (statement for owner in owners for statement in owner.body if is_text(statement))
    return max(((text.lineno - 1, text.end_lineno or 0) for text in texts), default=None)


def _only_text(request: str) -> bool:
    return not re.search(r"^\s*(def|class) ", request, re.MULTILINE)
