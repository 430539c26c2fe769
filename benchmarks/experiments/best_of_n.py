"""Sample many programs of each problem and judge all: what would an oracle among them solve, and what best-of-n?

The samples of a problem are decoded in one batch. Each equals the one that `agent.strategies.BestOf` writes under its
number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import ClassVar, NamedTuple

from torch import Tensor

from agent.decoding import POLICIES
from agent.decoding.context import DecodeContext
from agent.decoding.samplers import pick_uniform
from agent.decoding.step import Completion
from agent.lm.base import Tokenizer
from agent.program.task import read_task
from agent.verification.examples import verify
from agent.views.report import Report
from agent.workflow.context import Context
from agent.workflow.decode import decode_context, seed_of_attempt
from agent.workflow.prepare import build_prompt
from agent.workflow.state import AgentState
from agent.workflow.text import locate_program
from benchmarks.base import Problem
from benchmarks.experiments.record_file import digest_prompt
from benchmarks.judging.checker import judge_program
from benchmarks.reports.metrics import pass_at_k

_COUNTS = (1, 2, 3, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class ProblemSamples:
    """The samples of one problem, in the order of their numbers."""

    KIND: ClassVar[str] = "sample set"
    MADE_BY: ClassVar[str] = "bench sample --out"

    task_id: str
    prompt_sha256: str
    tokens: list[int]  # the length of each sample
    accepted: list[bool]  # whether each passes the visible examples
    passed: list[bool]  # whether each passes the hidden tests

    def __post_init__(self) -> None:
        if not len(self.tokens) == len(self.accepted) == len(self.passed) > 0:
            raise ValueError("tokens, accepted and passed are not of one length, from 1 on")

    def best_of(self, most: int) -> BestOfN:
        """Return what best-of-n does with the first `most` samples."""
        count = next((n for n, accepted in enumerate(self.accepted[:most], start=1) if accepted), most)
        best = count - 1 if self.accepted[count - 1] else 0
        return BestOfN(self.passed[best], sum(self.tokens[:count]))


class BestOfN(NamedTuple):
    """The result of best-of-n on one problem. It stops at the first sample that passes the visible examples."""

    solved: bool
    tokens: int  # up to that sample


@dataclass(slots=True)
class _Sample:
    seed: int
    completion: Completion
    token: int = 0
    end: str | None = None

    def grow(self, decoding: DecodeContext, token: int) -> None:
        self.token = token  # a sample that ended needs one, too: its row is still fed
        if self.end is None:
            self.completion = self.completion.append(token)
            self.end = decoding.stop(self.completion)


def sample_problem(problem: Problem, context: Context, *, samples: int) -> ProblemSamples:
    """Take that many samples at temperature 0.8 and judge each by the visible examples and by the hidden tests."""
    task = read_task(problem.prompt, entry_point=problem.entry_point)
    sampling = replace(context, policy=POLICIES["sample"])
    state = build_prompt(sampling, AgentState(task))
    decoding = decode_context(sampling, state)
    seeds = [seed_of_attempt(context.seed, number) for number in range(samples)]
    sampled = _decode_together(decoding, context.tokenizer, seeds)
    texts = [sample.completion.text for sample in sampled]
    programs = [locate_program(context, task, state.prompt, text).source(text) for text in texts]
    accepted, passed = dict[str, bool](), dict[str, bool]()
    for program in set(programs):
        accepted[program] = verify(context.sandbox, program, task.examples, limits=context.limits).passed
        passed[program] = judge_program(context.sandbox, problem, program).passed
    return ProblemSamples(
        problem.task_id,
        digest_prompt(problem.prompt),
        [len(sample.completion.tokens) for sample in sampled],
        [accepted[program] for program in programs],
        [passed[program] for program in programs],
    )


class SampleCount(NamedTuple):
    """What n samples a problem are worth."""

    n: int
    pass_at_n: float  # unbiased
    oracle: int  # problems that one of the first n samples solves
    best_of_n: int  # problems that best-of-n solves
    tokens_stopping: float  # a problem, of best-of-n
    tokens_all: float  # a problem, of all n samples


def report_samples(problems: Sequence[ProblemSamples], counts: Sequence[int] = _COUNTS) -> Report:
    """Report, for each n: pass@n, the oracle over the first n, and best-of-n with its tokens a problem."""
    most = min((len(each.tokens) for each in problems), default=0)
    rows = [_count_samples(problems, n) for n in counts if n <= most]
    lines = [f"{'n':>4}{'pass@n':>10}{'oracle':>10}{'best-of-n':>12}{'tokens, stopping':>18}{'tokens, all n':>15}"]
    lines += [
        f"{row.n:>4}{row.pass_at_n:>10.3f}{row.oracle:>10}{row.best_of_n:>12}{row.tokens_stopping:>18.1f}"
        f"{row.tokens_all:>15.1f}"
        for row in rows
    ]
    return Report({"problems": len(problems), "rows": [row._asdict() for row in rows]}, "\n".join(lines))


def _count_samples(problems: Sequence[ProblemSamples], n: int) -> SampleCount:
    best = [each.best_of(n) for each in problems]
    return SampleCount(
        n,
        fmean(pass_at_k(len(each.passed), sum(each.passed), n) for each in problems),
        sum(any(each.passed[:n]) for each in problems),
        sum(each.solved for each in best),
        fmean(each.tokens for each in best),
        fmean(sum(each.tokens[:n]) for each in problems),
    )


def _decode_together(decoding: DecodeContext, tokenizer: Tokenizer, seeds: list[int]) -> list[_Sample]:
    prefix = decoding.lm.prefill(decoding.prompt_ids)
    stream = tokenizer.stream(decoding.prompt_ids)
    samples = [_Sample(seed, Completion(stream=stream)) for seed in seeds]
    for sample in samples:
        sample.grow(decoding, _token(decoding, sample, prefix.logits, 0))
    batch, position = None, 0
    while any(sample.end is None for sample in samples):
        tokens = [sample.token for sample in samples]
        batch = decoding.lm.branch(prefix, tokens) if batch is None else batch.advance(tokens)
        position += 1
        logits = batch.logits
        for row, sample in enumerate(samples):
            token = _token(decoding, sample, logits[row], position) if sample.end is None else sample.token
            sample.grow(decoding, token)
    return samples


def _token(decoding: DecodeContext, sample: _Sample, logits: Tensor, position: int) -> int:
    return decoding.policy.sampler(logits, pick_uniform(sample.seed, position), sample.completion.text)
