"""Teacher forcing: let a model read canonical solutions, one forward each, and rank what it would have written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import numpy as np
from torch import Tensor

from agent.errors import InvalidRequestError
from agent.lm.base import LM, Model, OffsetTokenizer, Scorer
from agent.program.prompts import write_prompt
from agent.program.syntax import DEFINITIONS, find_entry_point, is_text, parse
from benchmarks.base import Problem
from uncertainty.scores import SCORES, log_probabilities, varentropy
from uncertainty.thresholds import Ranked

_FENCE = "```python\n"
MEASURED = {**SCORES, "varentropy": varentropy}


@dataclass(frozen=True, slots=True)
class TeacherForced:
    """The scores before each token of one solution, and the rank of each token. All [tokens]."""

    task_id: str
    scores: Mapping[str, list[float]]
    ranks: list[int]  # 1: it is the argmax


def force_solutions(model: Model, problems: Iterable[Problem]) -> Iterator[TeacherForced]:
    """Yield the scores and ranks of each solution that fits into the model's context.

    Only tokens that start in the solution count (AdaDec, section 3.2, arXiv:2506.08980). Of equal logits the lower id
    ranks first. The tokenizer must know offsets.
    """
    lm = open_scorer(model)
    for problem in problems:
        prompt, tokens = encode_solution(model, problem)
        if lm.context is not None and len(prompt) + len(tokens) > lm.context:
            continue
        logits = lm.score_tokens(prompt, tokens)
        logprobs = [log_probabilities(each) for each in logits]
        scores = {name: [score(each, normalised=True) for each in logprobs] for name, score in MEASURED.items()}
        yield TeacherForced(
            problem.task_id, scores, [_rank(each, token) for each, token in zip(logits, tokens, strict=True)]
        )


class ScoringLM(LM, Scorer, Protocol):
    """A model that also reads a whole text at once."""


def open_scorer(model: Model) -> ScoringLM:
    """Return the model's function of token ids. Raises InvalidRequestError if it cannot read a whole text at once."""
    if not (isinstance(model.lm, Scorer) and isinstance(model.tokenizer, OffsetTokenizer)):
        raise InvalidRequestError("teacher forcing needs the backend hf; choose a model of it")
    return cast("ScoringLM", model.lm)


class EncodedSolution(NamedTuple):
    """The token ids of a solution, and those before it."""

    prompt: list[int]
    tokens: list[int]


def encode_solution(model: Model, problem: Problem) -> EncodedSolution:
    """Encode a solution behind its prompt in the model's style; split it at the first token that starts in it.

    A text to continue is encoded together with its solution. In a chat the solution stands in the answer, behind what
    the style begins it with, in a code block and below its signature.
    """
    tokenizer, style = cast("OffsetTokenizer", model.tokenizer), model.prompt_style
    if not style.chat:
        ids, starts = tokenizer.encode_with_offsets(problem.reference_program)
        first = next((at for at in range(1, len(ids)) if starts[at] >= len(problem.prompt)), len(ids))
        return EncodedSolution(ids[:first], ids[first:])
    user, opening, _ = write_prompt(problem.prompt, style, name=problem.entry_point)
    before, solution = write_before_solution(problem, opening), problem.canonical_solution.lstrip("\n")
    ids, starts = tokenizer.encode_with_offsets(before + solution, continues=True)
    first = next((at for at in range(len(ids)) if starts[at] >= len(before)), len(ids))
    return EncodedSolution([*model.encode_prompt(user, opening), *ids[:first]], ids[first:])


def write_before_solution(problem: Problem, opening: str) -> str:
    """Return what a chat answer that begins like this holds before the canonical solution: a fence, the signature."""
    _, fence, code = opening.rpartition(_FENCE)
    head = find_head(problem.prompt)
    signature = f"{head}\n" if head else ""
    if not fence:
        return f"{_FENCE}{signature}"
    if signature.startswith(code):
        return signature[len(code) :]
    return "" if code.endswith("\n") else "\n"


def find_head(prompt: str) -> str:
    """Return a prompt of Python up to the docstring of the last function or class that it begins.

    All of it where that one has no docstring; nothing where it begins none.
    """
    code = prompt.strip("\n").rstrip()
    tree = parse(f"{code}\n    pass\n") or parse(code)
    if tree is None:
        return code if find_entry_point(code) else ""
    last = next((each for each in reversed(tree.body) if isinstance(each, DEFINITIONS)), None)
    if last is None:
        return ""
    first, lines = last.body[0], code.split("\n")
    if is_text(first):
        before = lines[first.lineno - 1].encode()[: first.col_offset].decode()
        lines[first.lineno - 1 :] = [before]
    return "\n".join(lines).rstrip()


def _rank(logits: Tensor, token: int) -> int:
    own = logits[token]
    return 1 + int((logits > own).sum()) + int((logits[:token] == own).sum())


def rank_by_scores(solutions: Iterable[TeacherForced]) -> dict[str, Ranked]:
    """Return the tokens of all solutions, once for each score. Raises InvalidRequestError if there are none."""
    solutions = list(solutions)
    ranks = np.array([rank for each in solutions for rank in each.ranks], np.int64)
    if not len(ranks):
        raise InvalidRequestError("there are no tokens to learn from: no solution fits into this model's context")
    tasks = np.repeat(np.arange(len(solutions)), [len(each.ranks) for each in solutions])
    columns = {name: np.array([score for each in solutions for score in each.scores[name]]) for name in MEASURED}
    try:
        return {name: Ranked(scores, ranks, tasks) for name, scores in columns.items()}
    except ValueError as error:  # the logits are NaN, as when float16 overflows
        raise InvalidRequestError(f"this model's scores are no numbers ({error}); try another dtype") from error
