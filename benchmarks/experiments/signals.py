"""Score the tokens of finished programs again, and run their mutants: what could tell right programs from wrong ones.

Decodes nothing. The answers come from the stories beside a file of outcomes, one forward reads each.
"""

from __future__ import annotations

import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from io import StringIO
from itertools import accumulate
from typing import ClassVar, NamedTuple, cast

from torch import Tensor

from agent.decoding.context import top_candidates
from agent.decoding.step import Completion
from agent.errors import InvalidRequestError
from agent.lm.base import OffsetTokenizer
from agent.program.task import Task, read_task
from agent.records import Answer, Attempt, Fork, Prompt
from agent.search.frontier import ONE_PROGRAM, SearchConfig
from agent.search.mutants import total_weight
from agent.workflow.conclude import choose_answer
from agent.workflow.context import Context
from agent.workflow.prepare import build_prompt
from agent.workflow.state import AgentState
from agent.workflow.text import locate_program
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import Key, WorkItem
from benchmarks.experiments.stories import Story, StoryAttempt
from benchmarks.experiments.teacher_forcing import open_scorer
from sandbox.base import Verdict
from uncertainty.scores import log_probabilities
from uncertainty.signals import TokenScores, score_program

_DIGITS = 5  # of a score that is stored
_FLAGS = ("begins_line", "in_comment")  # fields of TokenScores that follow from the program and the places
_CANDIDATES = 8  # likeliest tokens at a place that mutants come from


@dataclass(frozen=True, slots=True)
class ScoredProgram:
    """A program of a run: the scores of its tokens, the verdicts on it, and its mutants."""

    KIND: ClassVar[str] = "scored program"
    MADE_BY: ClassVar[str] = "bench signals --keep"

    task_id: str
    prompt_sha256: str
    program: str
    scores: dict[str, list[float]]  # the numbers of TokenScores, over the tokens that the model wrote of the program
    places: list[int]  # character of the program at which each of these tokens begins
    checked: int  # visible examples that were judged
    accepted: bool  # it passed them
    right: bool  # it passes every hidden test
    mutants: int  # that were run on the visible examples; none where the program failed them
    undecided: int  # of these, that passed
    undecided_weight: float  # nats: ln(1 + the sum of their odds against the program)
    sample: int = 0

    @property
    def tokens(self) -> TokenScores:
        """The scores of the tokens."""
        flags = find_line_starts(self.program, self.places), find_comments(self.program, self.places)
        return TokenScores(**self.scores, begins_line=flags[0], in_comment=flags[1])


class FinishedProgram(NamedTuple):
    """A program of a finished run, with its story and its problem."""

    item: WorkItem
    outcome: ProblemOutcome
    story: Story


class ReadAnswer(NamedTuple):
    """The tokens of an answer, where each begins, and the logits before each."""

    tokens: list[int]
    places: list[int | None]  # character of the program; None outside of the program
    logits: Tensor  # [tokens, vocab]


def match_stories(
    items: Iterable[WorkItem], outcomes: Mapping[Key, ProblemOutcome], stories: Mapping[Key, Story]
) -> Iterator[FinishedProgram]:
    """Yield the finished program of each item. Raises InvalidRequestError for one that has no story."""
    for item in items:
        if item.key not in stories:
            raise InvalidRequestError(
                f"{item.problem.task_id} has no story beside the run; choose a run that `bench run --out` wrote"
            )
        yield FinishedProgram(item, outcomes[item.key], stories[item.key])


def score_programs(programs: Iterable[FinishedProgram], context: Context) -> Iterator[ScoredProgram]:
    """Yield the scores of each program that fits into the model's context, and what its mutants do."""
    for program in programs:
        problem, outcome = program.item.problem, program.outcome
        task, attempt = read_task(problem.prompt, entry_point=problem.entry_point), _story_of(program)
        prompt = build_prompt(context, AgentState(task, ONE_PROGRAM)).prompt
        answer = read_answer(context, task, prompt, attempt.answer)
        if answer is None:
            continue
        inside = [number for number, place in enumerate(answer.places) if place is not None]
        places = [place for place in answer.places if place is not None]
        tokens, program_text = [answer.tokens[number] for number in inside], outcome.program
        scores = score_program(
            answer.logits[inside], tokens, find_line_starts(program_text, places), find_comments(program_text, places)
        )
        mutants = _run_mutants(context, task, prompt, attempt, answer)
        yield ScoredProgram(
            problem.task_id, outcome.prompt_sha256, outcome.program, _store(scores), places, attempt.checked,
            attempt.verdict == Verdict.PASSED, outcome.passed, mutants.mutants, len(mutants.undecided),
            total_weight([each.weight for each in mutants.undecided]), outcome.sample,
        )  # fmt: skip


def _story_of(program: FinishedProgram) -> StoryAttempt:
    return program.story.attempts[program.story.best]


def read_answer(context: Context, task: Task, prompt: Prompt, text: str) -> ReadAnswer | None:
    """Read an answer in one forward; None where it does not fit into the model's context.

    The tokens are the tokenizer's for the text, which need not be those that the model wrote it with.
    """
    lm, tokenizer = open_scorer(context.model), cast("OffsetTokenizer", context.tokenizer)
    tokens, starts = tokenizer.encode_with_offsets(text, continues=True)
    if not tokens or (lm.context is not None and len(prompt.ids) + len(tokens) > lm.context):
        return None
    places = locate_program(context, task, prompt, text).offsets(starts, len(text))
    return ReadAnswer(tokens, places, lm.score_tokens(prompt.ids, tokens))


def find_line_starts(program: str, places: Sequence[int]) -> list[bool]:
    """Decide of each token whether it is the first of a line of the program."""
    lines = [program.count("\n", 0, place) if place else 0 for place in places]
    return [number == 0 or line != lines[number - 1] for number, line in enumerate(lines)]


def find_comments(program: str, places: Sequence[int]) -> list[bool]:
    """Decide of each token whether it begins in a comment. A text that is not Python has none behind its error."""
    starts = [0, *accumulate(map(len, program.splitlines(keepends=True)))]
    spans = list[tuple[int, int]]()
    with suppress(tokenize.TokenError, SyntaxError):
        for each in tokenize.generate_tokens(StringIO(program).readline):
            if each.type == tokenize.COMMENT:
                spans.append((starts[each.start[0] - 1] + each.start[1], starts[each.end[0] - 1] + each.end[1]))
    return [any(start <= place < end for start, end in spans) for place in places]


def _store(scores: TokenScores) -> dict[str, list[float]]:
    lists = asdict(scores).items()
    return {name: [round(value, _DIGITS) for value in values] for name, values in lists if name not in _FLAGS}


def _run_mutants(context: Context, task: Task, prompt: Prompt, story: StoryAttempt, answer: ReadAnswer) -> Answer:
    """Run the mutants of a program that passed the visible examples, as the end of a search does."""
    attempt = Attempt(
        0, tuple(answer.tokens), (0.0,) * len(answer.tokens), (), story.end, story.program, story.partial, (),
        Verdict(story.verdict), story.checked,
    )  # fmt: skip
    if attempt.passed:
        attempt = replace(attempt, logprobs=tuple(_read_logprobs(answer)), forks=tuple(_find_forks(answer)))
    state = AgentState(task, SearchConfig(), prompts=(prompt,), attempts=(attempt,))
    chosen = choose_answer(context, state).answer
    assert chosen is not None, "an answer is chosen of one attempt"
    return chosen


def _read_logprobs(answer: ReadAnswer) -> Iterator[float]:
    for logits, token in zip(answer.logits, answer.tokens, strict=True):
        yield min(float(log_probabilities(logits)[token]), 0.0)


def _find_forks(answer: ReadAnswer) -> Iterator[Fork]:
    """Yield the places in the program with the likeliest tokens that were not written there."""
    for number, (token, place) in enumerate(zip(answer.tokens, answer.places, strict=True)):
        if place is not None:
            candidates = top_candidates(answer.logits[number], _CANDIDATES, Completion())
            logprob = float(log_probabilities(answer.logits[number])[token])
            yield Fork(number, 0.0, logprob, tuple(each for each in candidates if each.token != token))
