"""Permission requests of ACP: a question of a run, with a candidate an option; and a change of a file."""

from __future__ import annotations

from typing import Any, NamedTuple

from acp import start_tool_call, text_block, tool_content, tool_diff_content
from acp.schema import AllowedOutcome, PermissionOption, RequestPermissionResponse, ToolCallLocation, ToolCallStart

from agent.records import Question
from agent.views.choices import describe_choices
from agent.views.markdown import fence

_ALONE, _WRITE, _LEAVE = "alone", "write", "leave"


class Permission(NamedTuple):
    """A tool call, and the options that a person has."""

    call: ToolCallStart
    options: list[PermissionOption]


def ask_question(question: Question, number: str) -> Permission:
    """Return the permission request of a question. number: of the tool call."""
    choices = describe_choices(question)
    options = [_option(str(at), label, "allow_once") for at, label in enumerate(choices.labels)]
    content = [tool_content(text_block(fence(choices.code)))] if choices.code else None
    call = start_tool_call(number, choices.heading, kind="think", status="pending", content=content)
    return Permission(call, [*options, _option(_ALONE, "Decide by yourself from here on", "reject_once")])


def read_reply(response: RequestPermissionResponse | None, question: Question) -> int | None:
    """Return the number of the answer that was chosen; None where the run is to decide by itself."""
    chosen = _find_chosen(response)
    count = len(describe_choices(question).labels)
    return int(chosen) if chosen and chosen.isdecimal() and int(chosen) < count else None


def ask_to_write(title: str, path: str, old: str, new: str, number: str) -> Permission:
    """Return the permission request to change a file."""
    diff, place = tool_diff_content(path, new, old), ToolCallLocation(path=path)
    call = start_tool_call(number, title, kind="edit", status="pending", content=[diff], locations=[place])
    options = [_option(_WRITE, "Write it", "allow_once"), _option(_LEAVE, "Leave the file as it is", "reject_once")]
    return Permission(call, options)


def allows_writing(response: RequestPermissionResponse | None) -> bool:
    """Whether the person agreed to a change of a file."""
    return _find_chosen(response) == _WRITE


def _find_chosen(response: RequestPermissionResponse | None) -> str | None:
    outcome = response.outcome if response else None
    return outcome.option_id if isinstance(outcome, AllowedOutcome) else None


def _option(number: str, name: str, kind: Any) -> PermissionOption:
    return PermissionOption(option_id=number, name=name, kind=kind)
