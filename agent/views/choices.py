"""Put a question of a run as a heading, the code before it, and a label for each answer. Asks nobody."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from agent.program.outputs import describe_output
from agent.records import CandidateQuestion, OutputQuestion, PersonReply, Question
from agent.views.numbers import format_probability
from agent.views.text import clean, format_code, one_line

if TYPE_CHECKING:  # torch is imported with it
    from agent.decoding.step import Candidate

PREVIEW = 60  # characters of a candidate, which shows where it leads
_SHOWN_LINES = 12  # of the code before a pause
_SHOWN_BEHIND = 30  # characters before it, where one line says all


class Choices(NamedTuple):
    """A question as a person reads it."""

    heading: str
    code: str  # what is written so far; empty where programs differ
    labels: tuple[str, ...]  # of the answers, in their order


def describe_choices(question: Question) -> Choices:
    """Return the heading, the code and the labels of a question."""
    match question:
        case CandidateQuestion():
            labels = [f"{show_candidate(each)} {show_probability(each)}" for each in question.candidates]
            return Choices("The model is in doubt: how does it go on?", show_code(question), tuple(labels))
        case OutputQuestion():
            labels = [one_line(describe_output(each)) for each in question.outputs]
            return Choices(f"Programs differ: what should {one_line(question.call)} give?", "", tuple(labels))


def describe_reply(reply: PersonReply) -> str:
    """Return a question and its answer in one line."""
    question, answer = reply.question, reply.reply
    if isinstance(question, OutputQuestion):
        given = describe_output(question.outputs[answer]) if isinstance(answer, int) else answer
        return one_line(
            f"{question.call} should give {given}" if given else f"what {question.call} gives was left open"
        )
    behind = f"behind {format_code(question.text.rstrip()[-_SHOWN_BEHIND:])!r}"
    if isinstance(answer, str):
        return f"{behind}: {format_code(answer, PREVIEW)!r}, a text of your own"
    others = [show_candidate(each) for number, each in enumerate(question.candidates) if number != answer]
    rest = f", and not {' or '.join(others)}" if others else ""
    return f"{behind}: {show_candidate(question.candidates[answer])}{rest}"


def show_code(question: CandidateQuestion) -> str:
    """Return the last lines before a pause."""
    return clean("\n".join(question.text.strip("\n").split("\n")[-_SHOWN_LINES:]))


def show_candidate(candidate: Candidate) -> str:
    """Return a candidate with where it leads, quoted, so that the blank before it can be seen."""
    return f"`{format_code(candidate.text, PREVIEW)}`"


def show_probability(candidate: Candidate) -> str:
    """Return the probability of a candidate's first token."""
    return format_probability(math.exp(min(candidate.logprob, 0.0)))


def answer_alone(question: Question) -> int | str:
    """Return the answer where nobody is there: the likeliest candidate, and nothing known of a call."""
    match question:
        case CandidateQuestion():
            return 0
        case OutputQuestion():
            return ""


def fit_text(text: str, candidates: tuple[Candidate, ...]) -> str:
    """Return a person's text with the blank before it, if it has none and the likeliest candidate begins with one."""
    blank = candidates[0].text.startswith(" ") and not text[:1].isspace() and not text.startswith("\\n")
    return f" {text}" if blank and (text[0].isalnum() or text[0] in "_'\"") else text
