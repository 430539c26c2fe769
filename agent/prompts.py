"""Prompts, as strings: standard, lame, repair, hole; and back from what was generated to a program. No model here."""

from __future__ import annotations

import ast
import re

from agent.answers import Asked, program_in
from agent.pieces import Piece, Span
from agent.syntax import parsed

_CHAT = "Write the Python code that is asked for. Answer with one code block: complete, no examples of its use.\n\n{}"
_CHAT_CODE = "Complete this Python program:\n```python\n{}\n```"


# Qwen2.5-Coder's and CodeGemma's names. What is to be written follows the last one.
HOLE_MARKS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


def standard(request: str, *, chat: bool) -> str:
    """Return the prompt for a request: Python to complete, or a sentence."""
    # A prompt that ends in a newline splits the token that carries newline and indentation together.
    if chat:
        return _CHAT.format(_CHAT_CODE.format(request.rstrip()) if is_code(request) else request.strip())
    return request.rstrip() if is_code(request) else "\n".join(f"# {line}" for line in request.strip().splitlines())


def repair(request: str, program: str, failure: str, *, chat: bool) -> str:
    """Return the prompt that shows a failed program with its failure and asks for a right one."""
    if chat:
        shown = f"This program failed:\n```python\n{program.strip()}\n```\n{failure}\nWrite a corrected version."
        return f"{standard(request, chat=True)}\n\n{shown}"
    told = "\n".join(f"# {line}" for line in failure.splitlines() if line.strip())
    asked = standard(request, chat=False)
    return f"{program.strip()}\n\n# The program above failed:\n{told}\n# A corrected version:\n{asked}"


def hole(before: str, after: str) -> str:
    """Return the prompt that asks for what stands between two parts of a program."""
    prefix, suffix, middle = HOLE_MARKS
    return f"{prefix}{before}{suffix}{after}{middle}"


def piece(request: str, text: str, *, chat: bool, name: str | None = None, thinking: bool = False) -> Piece:
    """Return the program in what was generated: what a chat answer holds, else the function completed.

    name: of the function asked for, else the last one that the request begins. thinking: the prompt opens a thought.
    """
    if chat:
        return program_in(text, asked_of(request, name, thinking=thinking))
    prompt = standard(request, chat=False)
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
