"""Elicitation of MCP: the form of a question of a run, and the answer in it."""

from __future__ import annotations

from typing import Any

from mcp.types import ClientCapabilities, ElicitRequestFormParams, ElicitResult

from agent.records import CandidateQuestion, Question
from agent.views.choices import describe_choices, fit_text

_CHOICE, _TEXT = "choice", "text"


def can_elicit(capabilities: ClientCapabilities | None) -> bool:
    """Whether a client shows forms. One that names no kind of elicitation shows them."""
    able = capabilities.elicitation if capabilities else None
    return able is not None and (able.form is not None or able.url is None)


def write_form(question: Question) -> ElicitRequestFormParams:
    """Return the form of a question."""
    choices, labels = describe_choices(question), _list_labels(question)
    other = "Or code to write instead" if isinstance(question, CandidateQuestion) else "Or another value"
    schema = {
        "type": "object",
        "properties": {
            _CHOICE: {"type": "string", "title": "Choose", "enum": labels},
            _TEXT: {"type": "string", "title": other},
        },
        "required": [],
    }
    message = f"{choices.heading}\n\n{choices.code}" if choices.code else choices.heading
    return ElicitRequestFormParams(message=message, requested_schema=schema)


def read_form(result: Any, question: Question) -> int | str | None:
    """Return the answer in a form: a number from 0, or a text; None where the run is to decide by itself."""
    content = (result.content or {}) if isinstance(result, ElicitResult) and result.action == "accept" else {}
    text, chosen = content.get(_TEXT), content.get(_CHOICE)
    if isinstance(text, str) and text.strip():
        return fit_text(text, question.candidates) if isinstance(question, CandidateQuestion) else text
    labels = _list_labels(question)
    return labels.index(chosen) if chosen in labels else None


def _list_labels(question: Question) -> list[str]:
    return [f"{number}  {label}" for number, label in enumerate(describe_choices(question).labels, start=1)]
