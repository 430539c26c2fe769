"""Prompt styles as data: what a model is shown, how its answer begins, and which texts end it. Writes no prompt.

A turn's texts are templates. They may name {request}, {comment} (the request as comment lines), {head} (`def name(`
and the parameters that a sentence names, where the request defines nothing), {kind} (class or function), {naming} and
{tests}.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass, replace
from typing import Any

from agent.messages import check_choice

AUTO = "auto"  # the shelf's style for a model it has, else `dubito` for chat models and `completion` for others


@dataclass(frozen=True, slots=True)
class Turn:
    """The user's turn for one kind of request, and the text with which the answer begins."""

    user: str
    opening: str = ""
    # No token that ends a text, or begins with this text after blanks, may come first behind the opening. One token
    # is meant: a model that splits the text may still write it.
    forbidden_first: str = ""


_CASES = Turn(
    "{request}\n\n```python\n{signature}\n```\n"
    "Write {count} assert statements that test {name}, one a line, without messages.\n",
    "```python\n{lead}",
)
# Asks any chat model without fill-in-the-middle tokens. {before} and {after} are code around a hole, {line} its line.
FILL_TURN = Turn(
    "In this part of a Python file, code is missing where <FILL> stands:\n```python\n{before}<FILL>{after}\n```\n"
    "Write only the code that belongs in the place of <FILL>.\n",
    "```python\n{line}",
)


@dataclass(frozen=True, slots=True)
class PromptStyle:
    """The way to put requests to a model, and to end its answers."""

    name: str
    code: Turn  # for Python: a file with stubs in it, or text that begins no function
    sentence: Turn
    open: Turn | None = None  # for Python that ends where the body of its only unwritten function begins; None: `code`
    chat: bool = True  # the model's chat template renders the turns; without it the two texts of a turn are the prompt
    system: str | None = None  # the system prompt; None for the template's own
    naming: str = " The function is named {name}."  # for sentences
    tests: str = "\n\nIt should pass these tests:\n```python\n{tests}\n```"  # or {comments}: the same, as comment lines
    repair: str = "{question}\n\nThis program failed:\n```python\n{program}\n```\n{failure}\nWrite a corrected version."
    cases: Turn | None = (
        _CASES  # asks for test cases of {name}; {signature} is that of a program; None: it is not asked
    )
    closing_fence: bool = True  # a chat answer ends with the code block that makes the program whole
    stops: tuple[str, ...] = ()  # texts that end the answer wherever they stand; they are no part of it
    margin_stops: tuple[str, ...] = ()  # beginnings of lines at the margin that end the answer behind the program

    def describe(self) -> dict[str, Any]:
        """Return what tells this style from another in a run's provenance. digest: of all its data."""
        return {
            "name": self.name,
            "digest": hashlib.sha256(json.dumps(astuple(self)).encode()).hexdigest()[:12],
            "system": self.system,
            "stops": list(self.stops),
            "margin_stops": list(self.margin_stops),
        }


_FENCE = "```python\n"
_EVALPLUS = Turn(
    "Please provide a self-contained Python script that solves the following problem in a markdown code block:\n"
    "```\n{request}\n```\n{naming}{tests}",
    "Below is a Python script with a self-contained function that solves the problem and passes corresponding tests:\n"
    + _FENCE,
)
_EVALPLUS_STOPS = ("<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint(")
_QWEN_SYSTEM = "You are an intelligent programming assistant to produce Python algorithmic solutions"
_QWEN = Turn("Can you complete the following Python function?\n```python\n{request}\n```\n{tests}", _FENCE)
_DUBITO = replace(_QWEN, user=_QWEN.user.replace("Python function", "Python {kind}"))

PROMPT_STYLES: dict[str, PromptStyle] = {
    # What evalplus 0.3.1 asks and stops at (evalplus/codegen.py, evalplus/provider/utility.py).
    "evalplus": PromptStyle("evalplus", _EVALPLUS, _EVALPLUS, closing_fence=False, stops=(*_EVALPLUS_STOPS, "\n```\n")),
    # What the makers of Qwen2.5-Coder ask and stop at (QwenLM/Qwen2.5-Coder, qwencoder-eval/instruct/eval_plus).
    "qwen": PromptStyle(
        "qwen",
        _QWEN,
        Turn("Can you write the following Python function?\n{request}{naming}{tests}\n", _FENCE),
        system=_QWEN_SYSTEM,
        closing_fence=False,
        stops=(*_EVALPLUS_STOPS, "\n#", "\n```"),
    ),
    # The answer begins with the request itself: the model completes it, and copies nothing.
    "dubito": PromptStyle(
        "dubito",
        _DUBITO,
        Turn("{request}{naming}{tests}\n", _FENCE),
        open=replace(_DUBITO, opening=f"{_FENCE}{{request}}\n", forbidden_first="```"),
        system=_QWEN_SYSTEM,
        margin_stops=("print(", "assert ", "if __name__", "def test_", "def main("),
    ),
    # A text to continue. The embedded model learned these forms (models/corpus.py).
    "completion": PromptStyle(
        "completion",
        Turn("", "{request}"),
        Turn("{tests}", "{comment}\n{head}"),  # a sentence without a line break would be continued
        chat=False,
        tests="{comments}\n",
        repair="{program}\n\n# The program above failed:\n{comments}\n# A corrected version:\n{question}",
        cases=None,  # the embedded model learned no such form
        closing_fence=False,
    ),
}


def find_style(name: str) -> PromptStyle:
    """Return the style of a name. Raises InvalidRequestError for a name that is none."""
    check_style(name)
    return PROMPT_STYLES[name]


def begin_nothing(style: PromptStyle) -> PromptStyle:
    """Return a style whose answers begin with what the model writes first."""
    code, sentence = (replace(turn, opening="", forbidden_first="") for turn in (style.code, style.sentence))
    return replace(style, code=code, sentence=sentence, open=None)


def check_style(name: str) -> None:
    """Raise InvalidRequestError unless the name is a style's or AUTO."""
    check_choice("prompt style", name, (AUTO, *PROMPT_STYLES))
