"""Fill the holes of a file: the model proposes fillings, both sides of the hole score them, examples choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile

from torch import Tensor

from agent.decoding.loop import decode
from agent.decoding.policies import POLICIES
from agent.decoding.step import Completion
from agent.decoding.stops import any_of, end_at_text, end_token, token_limit
from agent.errors import ContextLengthError, InvalidRequestError
from agent.lm.base import LM, Model
from agent.lm.fim import FIM_ENDS, list_fim_ends
from agent.lm.reference import logits_before
from agent.program.ends import End
from agent.program.fillings import find_misfit, fit_filling, name_filling
from agent.program.holes import Hole, show_holes
from agent.program.prompts import write_fill_prompt
from agent.program.shown_code import ShownCode, show_code_around
from agent.records import Cost
from agent.verification.metered import MeteredSandbox
from agent.workflow.check_fillings import check_fillings
from agent.workflow.context import Context, count_forwards
from agent.workflow.decode import seed_of_attempt
from agent.workflow.filled import FilledFile, FilledHole, Filling
from uncertainty.scores import log_probabilities

_MOST_SHOWN = 2048  # tokens of code around a hole: reading more takes a CPU longer than writing the filling
_SLACK = 16  # tokens by which lines together may differ from their sum
_FENCE = "\n```"
_LEAST_TRIED = 3  # fillings, for as many texts are drawn before a hole is given up
_DRAWS = 2  # texts that are drawn for each filling that is wanted: some do not fit, and some are equal
_SCORED_LINES, _SCORED_CHARACTERS = 3, 200  # behind a hole, the rest of its own line included


@dataclass(frozen=True, slots=True)
class HolePrompt:
    """The prompt of one hole, and what ends its filling: one of these tokens, or a text."""

    ids: tuple[int, ...]
    end_ids: frozenset[int]
    closing: str = ""


def fill_holes(context: Context, source: str, holes: Sequence[Hole], k: int = 3) -> FilledFile:
    """Propose up to k different fillings for each hole of a file, and rank them.

    The model sees the code on both sides of a hole, with `...` in the others: by fill-in-the-middle (arXiv:2207.14255)
    where its tokenizer has the tokens, else in a chat turn. The first text is greedy, the others are drawn with a seed
    each, so the same seed gives the same fillings. A text is cut where it no longer fits, and dropped where the file
    would be no Python. The examples of the file that reach a hole are run. The filling that passes most of them comes
    first, and of equals the one with the highest score: its logprob, and that of the lines behind it, both in nats.

    context: `max_tokens` bounds one filling; its policy is not used. Raises InvalidRequestError for a model that can do
    neither, ContextLengthError, and SandboxError.
    """
    start, before = context.clock(), count_forwards(context)
    box, plain = MeteredSandbox(context.sandbox, None, None, context.clock), show_holes(source, holes)
    proposed = [propose_fillings(context, plain, hole, k) for hole in holes]
    filled = check_fillings(replace(context, sandbox=box), source, proposed)
    tokens = sum(each.tokens for each in filled)
    cost = Cost(tokens=tokens, sandbox_runs=box.runs, seconds=context.clock() - start)
    return FilledFile(source, filled, cost + (count_forwards(context) - before))


def propose_fillings(context: Context, plain: str, hole: Hole, k: int) -> FilledHole:
    """Draw texts for a hole until k of them fit and differ, or enough were drawn; the highest score comes first."""
    around, prompt = _prepare(context, plain, hole)
    texts, drawn, tokens = dict[str, str](), 0, 0
    while drawn < _DRAWS * max(k, _LEAST_TRIED) and len(texts) < k:
        text, whole, count = _draw(context, prompt, hole, plain[hole.end :], drawn)
        filling = fit_filling(plain, hole, text, whole=whole)
        if filling is not None:
            texts.setdefault(name_filling(hole, filling), filling)
        drawn, tokens = drawn + 1, tokens + count
    fillings = [_score_filling(context.model, prompt, around, text) for text in texts.values()]
    fillings.sort(key=lambda each: -each.score)
    return FilledHole(hole, tuple(fillings), drawn, tokens, around.first_line, around.last_line)


def _prepare(context: Context, plain: str, hole: Hole) -> tuple[ShownCode, HolePrompt]:
    """Return the code that the model is shown, and its prompt. Raises ContextLengthError, InvalidRequestError."""
    model, window = context.model, context.lm.context
    fixed = len(write_hole_prompt(model, "", "").ids) + context.max_tokens + _SLACK
    room = _MOST_SHOWN if window is None else min(_MOST_SHOWN, window - fixed)
    around = show_code_around(plain, hole, lambda text: len(model.tokenizer.encode(text, continues=True)), room)
    if mark := find_fim_mark(model, around.before + around.after):
        raise InvalidRequestError(
            f"the code around line {hole.line} holds {mark}, which this model reads as a mark of its own; "
            "write it in two parts, as in '<|fim_' 'middle|>'"
        )
    prompt = write_hole_prompt(model, around.before, around.after)
    needed = len(prompt.ids) + context.max_tokens
    if window is not None and needed > window:
        raise ContextLengthError(
            f"the hole in line {hole.line} needs {needed} tokens, {context.max_tokens} of them for the filling, and "
            f"this model reads at most {window}; allow fewer tokens, or shorten that line"
        )
    return around, prompt


def find_fim_mark(model: Model, text: str) -> str | None:
    """Return a mark in a text that the model would read as one of its own; None without any."""
    return next((mark for mark in (*(model.tokenizer.fim or ()), *FIM_ENDS) if mark in text), None)


def write_hole_prompt(model: Model, before: str, after: str) -> HolePrompt:
    """Return the prompt for what stands between two texts. Raises InvalidRequestError for a model that takes none."""
    tokenizer = model.tokenizer
    if tokenizer.fim is not None:
        ends = list_fim_ends(tokenizer.fim, partial(tokenizer.encode, continues=True))
        return HolePrompt(tuple(tokenizer.encode(tokenizer.fim.prompt(before, after))), tokenizer.end_ids | ends)
    if not model.prompt_style.chat:
        raise InvalidRequestError(
            "this model has no fill-in-the-middle tokens and takes no chat turn, so it cannot fill a hole; choose a "
            "model that was trained to do one of them"
        )
    text = write_fill_prompt(before, after)
    return HolePrompt(tuple(model.encode_prompt(text.user, text.opening)), tokenizer.end_ids, _FENCE)


def _draw(context: Context, prompt: HolePrompt, hole: Hole, after: str, number: int) -> tuple[str, bool, int]:
    """Return a text for a hole, whether the model ended it, and its tokens. number: of the text; 0 is greedy."""

    def misfits(completion: Completion) -> str | None:
        return "does not fit" if find_misfit(hole, completion.text, after) is not None else None

    texts = (prompt.closing,) if prompt.closing else ()
    limit = token_limit(context.max_tokens)
    stop = any_of(end_token(prompt.end_ids), end_at_text(texts), misfits, limit)
    policy = POLICIES["greedy" if number == 0 else "sample"]
    stream, seed = context.tokenizer.stream(prompt.ids), seed_of_attempt(context.seed, number)
    steps = list(decode(context.lm, prompt.ids, policy, stop=stop, text=stream, seed=seed))
    text = "".join(step.text for step in steps if step.token not in prompt.end_ids)
    if prompt.closing:
        text = text.partition(prompt.closing)[0]
    return text, steps[-1].end != End.TOKEN_BUDGET, len(steps)


def _score_filling(model: Model, prompt: HolePrompt, around: ShownCode, text: str) -> Filling:
    """Score a filling: ln p(filling, end | before, after) + ln p(first lines of after | before, filling).

    Both terms are sums of logprobs, in nats, at most 0. The first reads the prompt that shows both sides, and all ends
    count together; in a chat answer the closing fence is the end. The second reads the file from left to right: at most
    3 lines and 200 characters behind the hole. A mean over tokens would favour long fillings that repeat themselves. A
    sum favours no length here: fillings with their ends are disjoint outcomes, and the lines behind are the same for
    all.
    """
    lm, encode = model.lm, model.tokenizer.encode
    tokens = encode(text + prompt.closing, continues=True)
    logprobs = log_probabilities(logits_before(lm, prompt.ids, [*tokens, min(prompt.end_ids)]))  # [tokens + 1, vocab]
    end = 0.0 if prompt.closing else float(logprobs[-1, sorted(prompt.end_ids)].logsumexp(0))
    suffix = "".join(around.after.splitlines(keepends=True)[:_SCORED_LINES])[:_SCORED_CHARACTERS]
    return Filling(text, _sum_logprobs(logprobs, tokens) + end, _score_suffix(lm, encode, around.before + text, suffix))


def _score_suffix(lm: LM, encode: Callable[[str], list[int]], before: str, suffix: str) -> float:
    """Return ln p(suffix | before), in nats, at most 0: the sum over the tokens of both that reach into the suffix."""
    ids = encode(before + suffix)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(encode(before), ids, strict=False)))
    rest = ids[max(1, shared) :]
    if not rest:
        return 0.0
    logits = logits_before(lm, ids[: -len(rest)], rest)  # [rest, vocab]
    return _sum_logprobs(log_probabilities(logits), rest)


def _sum_logprobs(logprobs: Tensor, tokens: Sequence[int]) -> float:
    """Sum the log-probabilities of tokens. logprobs: [at least len(tokens), vocab]."""
    return min(0.0, float(logprobs[range(len(tokens)), list(tokens)].sum()))
