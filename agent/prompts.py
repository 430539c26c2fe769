"""Prompts, as strings: standard, lame, repair, hole; and back from what was generated to a program. No model here."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from agent.decoding.stops import function_end
from agent.examples import parsed

_FENCED = re.compile(r"^```([\w+-]*)[ \t]*\n(.*?)(?:^```|\Z)", re.MULTILINE | re.DOTALL)
_CHAT = "Write the Python code that is asked for. Answer with one code block: complete, no examples of its use.\n\n{}"
_CHAT_CODE = "Complete this Python program:\n```python\n{}\n```"


# Qwen2.5-Coder's and CodeGemma's names. What is to be written follows the last one.
HOLE_MARKS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


class Piece(NamedTuple):
    """A program as a slice of what was generated: `head` comes from the prompt, text[start:end] from the model."""

    head: str
    start: int
    end: int

    def source(self, text: str) -> str:
        """Return the program."""
        return self.head + text[self.start : self.end]


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


def piece(request: str, text: str, *, chat: bool) -> Piece:
    """Return the program in what was generated: the first code block of a chat answer, else the function completed."""
    if chat:
        blocks = [block for block in _FENCED.finditer(text) if block[2].strip()]
        python = [block for block in blocks if block[1].lower() in ("", "python", "py", "python3")]
        return Piece("", *((python or blocks)[0].span(2) if blocks else (0, len(text))))
    prompt = standard(request, chat=False)
    end = function_end(prompt, text)
    return Piece(prompt, 0, len(text) if end is None else end)


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
    body = lines[first:last]
    dropped = _dropped_lines(body, entry_point)
    kept = [
        line for line, drop in zip(body, dropped, strict=True) if not drop or line.rstrip().endswith(('"""', "'''"))
    ]
    return "".join([*lines[:first], *kept, *lines[last:]])


_HEADING = re.compile(
    r"^(for )?(examples?|e\.g\.?|i\.e\.)\b.{0,30}:?$|^(input|output|explanation)s?\s*\d*\s*:.*", re.IGNORECASE
)
_ARROW = re.compile(r"=>|==>|➞|->|==")
_BULLET = re.compile(r"^[*\-•]\s")
_LITERAL = re.compile(r"^(True|False|None|[-\[({'\"\d])")


def _dropped_lines(body: list[str], entry_point: str | None) -> list[bool]:
    call = re.compile(rf"\b{re.escape(entry_point)}\s*\(") if entry_point else None
    defines = call is not None and _defines_general_case(body, entry_point or "")
    dropped: list[bool] = []
    for line in body:
        text = line.strip()
        if _BULLET.match(text):  # constraints and notes are lists
            dropped.append(False)
            continue
        example = text.startswith((">>>", "...", "assert ")) or _HEADING.match(text) is not None
        shown = not defines and (
            (call is not None and call.search(text) is not None) or _ARROW.search(text) is not None
        )
        answer = bool(dropped and dropped[-1]) and _LITERAL.match(text) is not None
        dropped.append(bool(text) and text not in ('"""', "'''") and (example or shown or answer))
    return dropped


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
