"""Prompts, as strings: standard, lame, repair, hole; and back from what was generated to a program. No model here."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence

from agent.program.examples.example import Check, called_by
from agent.program.extraction.answers import Asked, program_in
from agent.program.extraction.pieces import Piece, Span
from agent.program.syntax import parsed

_CHAT = "Write the Python code that is asked for. Answer with one code block: complete, no examples of its use.\n\n{}"
_CHAT_CODE = "Complete this Python program:\n```python\n{}\n```"
_CHAT_TESTS = "\n\nIt should pass these tests:\n```python\n{}\n```"
_MOST_TESTS, _LONGEST_TEST = 8, 160  # that a prompt shows; characters of one


# Qwen2.5-Coder's and CodeGemma's names. What is to be written follows the last one.
HOLE_MARKS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


def standard(request: str, *, chat: bool, name: str | None = None, tests: Sequence[str] = ()) -> str:
    """Return the prompt for a request: Python to complete, or a sentence.

    name: of the function that the tests call; tests: what a person gave besides the request. A text to complete shows
    them with a sentence alone: what is Python already has a name, and stays as it is.
    """
    shown = _shown(tests)
    # A prompt that ends in a newline splits the token that carries newline and indentation together.
    if chat:
        asked = _CHAT_CODE.format(request.rstrip()) if is_code(request) else request.strip()
        called = f" The function is named {name}." if name and not is_code(request) else ""
        wanted = _CHAT_TESTS.format("\n".join(shown)) if shown else ""
        return _CHAT.format(f"{asked}{called}{wanted}")
    if is_code(request):
        return request.rstrip()
    # The sentence ends its line, else it is gone on with; it comes last, as the embedded model learned it.
    lines = [f"# {line}" for line in (*shown, *request.strip().splitlines())]
    return "\n".join([*lines, f"def {name}(" if name else ""])


def function_called(checks: Sequence[Check]) -> str | None:
    """Return the function that most examples call and none of them defines; of equals the first. None for none."""
    names = called_by(checks)
    calls = Counter(word for check in checks for word in re.findall(r"\w+", check.source) if word in names)
    return next((name for name, _ in calls.most_common(1)), None)


def repair(
    request: str, program: str, failure: str, *, chat: bool, name: str | None = None, tests: Sequence[str] = ()
) -> str:
    """Return the prompt that shows a failed program with its failure and asks for a right one."""
    asked = standard(request, chat=chat, name=name, tests=tests)
    if chat:
        shown = f"This program failed:\n```python\n{program.strip()}\n```\n{failure}\nWrite a corrected version."
        return f"{asked}\n\n{shown}"
    told = "\n".join(f"# {line}" for line in failure.splitlines() if line.strip())
    return f"{program.strip()}\n\n# The program above failed:\n{told}\n# A corrected version:\n{asked}"


def _shown(tests: Sequence[str]) -> list[str]:
    """Return the lines of the first tests that are short enough to be read."""
    short = [test for test in tests if len(test) <= _LONGEST_TEST][:_MOST_TESTS]
    return list(dict.fromkeys(line for test in short for line in test.splitlines() if line.strip()))


def hole(before: str, after: str) -> str:
    """Return the prompt that asks for what stands between two parts of a program."""
    prefix, suffix, middle = HOLE_MARKS
    return f"{prefix}{before}{suffix}{after}{middle}"


def piece(request: str, text: str, *, chat: bool, name: str | None = None) -> Piece:
    """Return the program in what was generated for a request: what a chat answer holds, else the function completed.

    name: of the function asked for, else the last one that the request begins.
    """
    if chat:
        return program_in(text, asked_of(request, name))
    return completed(standard(request, chat=False), text)


def completed(prompt: str, text: str) -> Piece:
    """Return the program that a prompt and its completion make, up to the end of the function."""
    from agent.decoding.stops import function_end  # noqa: PLC0415 - a request is read before torch is imported

    end = function_end(prompt, text)
    return Piece((prompt, Span(0, len(text) if end is None else end)))


def asked_of(request: str, name: str | None, *, thinking: bool = False) -> Asked:
    """Return what an answer to a request is read by."""
    return Asked(request if is_code(request) else "", name or entry_point(request), thinking)


def is_code(request: str) -> bool:
    """Whether a request is Python to be completed rather than a sentence."""
    if re.search(r"^(async def|def|class) \w+\s*[(:]", request, re.MULTILINE):
        return True
    tree = parsed(request)
    statements = tree.body if tree else []
    return any(isinstance(s, ast.Import | ast.ImportFrom | ast.Assign) or _is_text(s) for s in statements)


def entry_point(request: str) -> str | None:
    """Return the name of the last function that a request begins, if it begins one."""
    names = re.findall(r"^(?:async )?def (\w+)", request, re.MULTILINE)
    return names[-1] if names else None


def lame(request: str, entry_point: str | None) -> str:
    """Return the request without its examples, for USCD's contrast; the same string where there is nothing to drop.

    Notes, constraints and definitions stay (arXiv:2409.05923, section 3.2; the rules are ours).
    """
    lines = request.splitlines(keepends=True)
    first, last = _last_docstring(request) or (0, len(lines) if _only_text(request) else 0)
    return "".join([*lines[:first], *_without_examples(lines[first:last], entry_point), *lines[last:]])


_HEADING = re.compile(
    r"^(for )?(examp?[lb]+es?|e\.g\.?|i\.e\.)(?!\w).{0,30}:?$|^(input|output|explanation)s?\s*\d*\s*:.*", re.IGNORECASE
)
QUOTES = ('"""', "'''")
_DESCRIBED = re.compile(r"^(input|output)s?\s*:$", re.IGNORECASE)  # with prose below it is no example
_PROSE = re.compile(r"^[a-z]+( [a-z]+){2,}", re.IGNORECASE)
_EXPLANATION = re.compile(r"^explanations?\s*:", re.IGNORECASE)
_RULE = re.compile(r"^([*\-•]\s|notes?\b|constraints?\b|definitions?\b|variables?\b)", re.IGNORECASE)
_INLINE = re.compile(r"(?<=[.;,]) (for example|e\.g\.).*", re.IGNORECASE)  # an example that begins in a line of text
_ARROW = re.compile(r"^(?!(return|if|when|where)s?\b).*(=>|==>|➞|->|==)", re.IGNORECASE)  # a rule compares, too
_LITERAL = re.compile(r"^(True|False|None|[-\[({'\"\d])")


def _without_examples(body: list[str], entry_point: str | None) -> list[str]:
    # A call of nothing is a name with brackets, as sentences write it.
    call = re.compile(rf"\b{re.escape(entry_point)}\s*\((?!\))") if entry_point else None
    defines = entry_point is not None and _defines_general_case(body, entry_point)
    kept, before = list[str](), ""  # of the last line, why it was dropped
    for number, line in enumerate(body):
        text, below = line.strip(), body[number + 1].strip() if number + 1 < len(body) else ""
        shown = not defines and bool((call and call.search(text)) or _ARROW.search(text))
        before = _why_dropped(text, below, before, shown=shown)
        if shown and (inline := _INLINE.search(line)) and not _RULE.match(text):
            kept.append(line[: inline.start()] + (text[-3:] if text.endswith(QUOTES) else "") + "\n")
        elif not before or text.endswith(QUOTES):
            kept.append(line)
    return kept


def _why_dropped(text: str, below: str, before: str, *, shown: bool) -> str:
    """The kind of example that a line is part of; empty where it is none. before: the kind of the line above."""
    if not text or text in QUOTES or _RULE.match(text):
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
    """Whether a line gives the function of a bare name, as recurrences do: such lines are specification."""
    general = re.compile(rf"\b{re.escape(entry_point)}\s*\(\s*[a-zA-Z_]\w*\s*\)\s*(->|==?)(?!>)")
    return any(general.search(line) for line in body if not line.strip().startswith(">>>"))


def _last_docstring(request: str) -> tuple[int, int] | None:
    tree = parsed(request.rstrip() + "\n    pass\n")
    if tree is None:
        return None
    owners = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    texts = (statement for owner in owners for statement in owner.body if _is_text(statement))
    return max(((text.lineno - 1, text.end_lineno or 0) for text in texts), default=None)


def _is_text(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Constant(str())):
            return True
    return False


def _only_text(request: str) -> bool:
    return not re.search(r"^\s*(def|class) ", request, re.MULTILINE)
