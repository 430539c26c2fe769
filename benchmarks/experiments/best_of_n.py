"""Many samples of each problem, all judged: what an oracle among them would solve, and what best-of-n would cost.

The samples of a problem grow together in one batch. Each is the one that `best_of` draws at its number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from agent.decoding import POLICIES
from agent.decoding.context import DecodeContext
from agent.decoding.samplers import uniform_at
from agent.decoding.step import Completion
from agent.lm.base import Tokenizer
from agent.program.prompts import find_program
from agent.program.task import read_task
from agent.strategies import seed_of
from agent.verification.examples import verify
from agent.workflow.context import Context
from agent.workflow.decode import decode_context
from agent.workflow.prepare import build_prompt
from agent.workflow.state import AgentState
from benchmarks.base import Problem
from benchmarks.experiments.record_file import digest
from benchmarks.judging.checker import judge_program
from benchmarks.reports.metrics import pass_at_k


@dataclass(frozen=True, slots=True)
class Draws:
    """The samples of one problem, in the order drawn."""

    task_id: str
    prompt_sha256: str
    tokens: list[int]  # of each sample
    accepted: list[bool]  # by the visible examples
    passed: list[bool]  # by the hidden tests

    def __post_init__(self) -> None:
        if not len(self.tokens) == len(self.accepted) == len(self.passed) > 0:
            raise ValueError("tokens, accepted and passed are not of one length, from 1 on")

    def best_of(self, most: int) -> tuple[bool, int]:
        """Whether the first of `most` samples that passes the examples solves the problem, and the tokens up to it."""
        drawn = next((n for n, accepted in enumerate(self.accepted[:most], start=1) if accepted), most)
        chosen = drawn - 1 if self.accepted[drawn - 1] else 0
        return self.passed[chosen], sum(self.tokens[:drawn])


@dataclass(slots=True)
class _Sample:
    seed: int
    completion: Completion
    token: int = 0
    end: str | None = None

    def grow(self, decoding: DecodeContext, token: int) -> None:
        self.token = token  # of a sample that ended, too: its row is fed along
        if self.end is None:
            self.completion = self.completion.append(token)
            self.end = decoding.stop(self.completion)


def draws(problem: Problem, context: Context, *, samples: int) -> Draws:
    """Draw that many samples at temperature 0.8 and judge each by the visible examples and by the hidden tests."""
    task = read_task(problem.prompt, entry_point=problem.entry_point)
    sampling = replace(context, policy=POLICIES["sample"])
    decoding = decode_context(sampling, build_prompt(sampling, AgentState(task)))
    drawn = _drawn(decoding, context.tokenizer, [seed_of(context, number) for number in range(samples)])
    verdicts: dict[str, tuple[bool, bool]] = {}
    for sample in drawn:
        program = _program(problem, sample, context)
        if program not in verdicts:
            visible = verify(context.sandbox, program, task.examples, limits=context.limits).passed
            verdicts[program] = visible, judge_program(context.sandbox, problem, program).passed
    told = [verdicts[_program(problem, sample, context)] for sample in drawn]
    lengths = [len(sample.completion.tokens) for sample in drawn]
    return Draws(
        problem.task_id, digest(problem), lengths, [visible for visible, _ in told], [hidden for _, hidden in told]
    )


def table(found: list[Draws], numbers: tuple[int, ...] = (1, 2, 3, 5, 10, 20, 50, 100)) -> str:
    """Return, for each n: pass@n (unbiased), the oracle over the first n, and best-of-n with its tokens a problem."""
    most = min((len(each.tokens) for each in found), default=0)
    lines = [f"{'n':>4}{'pass@n':>10}{'oracle':>10}{'best-of-n':>12}{'tokens, stopping':>18}{'tokens, all n':>15}"]
    for n in [number for number in numbers if number <= most]:
        share = sum(pass_at_k(len(each.passed), sum(each.passed), n) for each in found) / len(found)
        oracle = sum(any(each.passed[:n]) for each in found)
        best = [each.best_of(n) for each in found]
        stopping = sum(tokens for _, tokens in best) / len(found)
        every = sum(sum(each.tokens[:n]) for each in found) / len(found)
        solved = sum(right for right, _ in best)
        lines.append(f"{n:>4}{share:>10.3f}{oracle:>10}{solved:>12}{stopping:>18.1f}{every:>15.1f}")
    return "\n".join(lines)


def _drawn(decoding: DecodeContext, tokenizer: Tokenizer, seeds: list[int]) -> list[_Sample]:
    prefix = decoding.lm.prefill(decoding.prompt_ids)
    stream = tokenizer.stream(decoding.prompt_ids)
    drawn = [_Sample(seed, Completion(stream=stream)) for seed in seeds]
    for sample in drawn:
        sample.grow(decoding, _token(decoding, sample, prefix.logits, 0))
    batch, position = None, 0
    while any(sample.end is None for sample in drawn):
        tokens = [sample.token for sample in drawn]
        batch = decoding.lm.branch(prefix, tokens) if batch is None else batch.advance(tokens)
        position += 1
        logits = batch.logits
        for row, sample in enumerate(drawn):
            sample.grow(
                decoding, _token(decoding, sample, logits[row], position) if sample.end is None else sample.token
            )
    return drawn


def _token(decoding: DecodeContext, sample: _Sample, logits: Tensor, position: int) -> int:
    return decoding.policy.sampler(logits, uniform_at(sample.seed, position), sample.completion.text)


def _program(problem: Problem, sample: _Sample, context: Context) -> str:
    text = sample.completion.text
    return find_program(problem.prompt, text, chat=context.model.chats, name=problem.entry_point).source(text)
