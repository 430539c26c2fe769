"""Compare greedy completions in the style `evalplus` with those of evalplus' code generator, problem by problem.

evalplus is not run quite as it comes: MENDED says what differs.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from agent.decoding import POLICIES, decode
from agent.decoding.step import Step
from agent.decoding.stops import any_of, end_at_text, end_token, token_limit
from agent.lm.base import Model
from agent.program.prompts import write_prompt
from agent.program.stop_texts import find_stop_text
from agent.program.styles import PROMPT_STYLES
from benchmarks.base import Problem
from benchmarks.experiments.side_by_side import share_model

STYLE = PROMPT_STYLES["evalplus"]
MENDED = "evalplus forgets the stops of earlier problems here; as it comes, it keeps them and cuts later answers short"


class Prefixes(NamedTuple):
    """What evalplus writes before a problem, and before the code of its answer."""

    instruction: str
    response: str


@dataclass(frozen=True, slots=True)
class ComparedCompletion:
    """The two completions of one problem."""

    task_id: str
    ours: str
    theirs: str
    tokens: int  # of ours
    differs_at: int | None = None  # the first character that differs
    gap: float | None = None  # nats between our two likeliest tokens there: a gap near 0 is a matter of rounding

    @property
    def same(self) -> bool:
        """Whether the completions are the same text."""
        return self.differs_at is None


def read_prefixes() -> Prefixes:
    """Return the texts that evalplus' code generator writes for chat models, from its source."""
    from evalplus import codegen

    source = inspect.getsource(codegen.run_codegen)
    texts = (re.search(rf'^    {name}_prefix = "(.*)"$', source, re.MULTILINE) for name in Prefixes._fields)
    return Prefixes(*(text[1] if text else "" for text in texts))


def open_evalplus(folder: str, dataset: str, *, dtype: str, max_tokens: int) -> Any:
    """Load a model the way evalplus does. dtype: torch's name. Its messages go nowhere."""
    from evalplus.provider.hf import HuggingFaceDecoder

    instruction, response = read_prefixes()
    with contextlib.redirect_stdout(io.StringIO()):
        return HuggingFaceDecoder(
            folder, dataset, batch_size=1, temperature=0.0, max_new_tokens=max_tokens, dtype=dtype,
            instruction_prefix=instruction, response_prefix=response,
        )  # fmt: skip


def complete_theirs(decoder: Any, prompt: str) -> str:
    """Return evalplus' greedy completion of a problem's prompt, cut at its stops."""
    # It registers the stops of every problem for good, at that prompt's length: in a longer prompt an earlier
    # problem's stops then find the fence of the request, and end the answer with its first token.
    vars(decoder.model).pop("_get_stopping_criteria", None)
    (completion,) = decoder.codegen(f"{prompt.strip()}\n", do_sample=False, num_samples=1)
    return str(completion)


def complete_ours(model: Model, problem: Problem, *, max_tokens: int) -> list[Step]:
    """Return the greedy steps in the style `evalplus`."""
    ids = encode_prompt_of(model, problem)
    stop = any_of(end_token(model.tokenizer.end_ids), end_at_text(STYLE.stops), token_limit(max_tokens))
    return list(decode(model.lm, ids, POLICIES["greedy"], stop=stop, text=model.tokenizer.stream(ids)))


def encode_prompt_of(model: Model, problem: Problem) -> list[int]:
    """Return the token ids of a problem's prompt in the style `evalplus`."""
    user, opening, _ = write_prompt(problem.prompt, STYLE, name=problem.entry_point)
    return model.tokenizer.chat(user, system=STYLE.system, opening=opening)


def compare_completions(
    problems: Sequence[Problem], model: Model, decoder: Any, *, max_tokens: int, tasks: int
) -> Iterator[ComparedCompletion]:
    """Yield the two completions of each problem. tasks: how many of ours are decoded side by side, before theirs."""

    def complete(problem: Problem, own: Model, _: object) -> tuple[str, list[Step]]:
        return problem.task_id, complete_ours(own, problem, max_tokens=max_tokens)

    completed = dict(share_model(problems, model, complete, tasks=tasks))
    for problem in problems:
        steps = completed[problem.task_id]
        text = "".join(step.text for step in steps)
        ours = text[: find_stop_text(text, STYLE.stops)].replace("\t", "    ")  # as evalplus does
        theirs = complete_theirs(decoder, problem.prompt)
        at = _find_difference(ours, theirs)
        gap = None if at is None else _gap_at(model, encode_prompt_of(model, problem), steps, at)
        yield ComparedCompletion(problem.task_id, ours, theirs, len(steps), at, gap)


def comparison_table(compared: Sequence[ComparedCompletion]) -> str:
    """Return how many completions are the same, how evalplus was mended, and where each other completion parts."""
    same = sum(each.same for each in compared)
    lines = [f"the same completion as evalplus at {same} of {len(compared)} problems", MENDED]
    for each in compared:
        if each.differs_at is not None:
            pair = (repr(text[each.differs_at :][:30]) for text in (each.ours, each.theirs))
            lines.append(f"{each.task_id:<16}{each.gap:>6.3f} nats to the second token  {'  /  '.join(pair)}")
    return "\n".join(lines)


def count_completions(compared: Sequence[ComparedCompletion]) -> dict[str, Any]:
    """Return the same as a record for JSON."""
    parted = [asdict(each) for each in compared if not each.same]
    return {"problems": len(compared), "same": len(compared) - len(parted), "mended": MENDED, "others": parted}


def _find_difference(ours: str, theirs: str) -> int | None:
    """Return the first character at which two texts differ; None where they are the same."""
    if ours == theirs:
        return None
    pairs = zip(ours, theirs, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(theirs)))


def _gap_at(model: Model, prompt_ids: Sequence[int], steps: Sequence[Step], at: int) -> float:
    """Return the nats between the two likeliest tokens where the completions part at this character.

    The other token may be longer than ours and begin with it, so the token before this character may be the one.
    """
    ends = accumulate(len(step.text.replace("\t", "    ")) for step in steps)
    number = next((number for number, end in enumerate(ends) if end > at), len(steps))
    gaps = []
    for before in {number, max(0, number - 1)}:
        prefix = model.lm.prefill([*prompt_ids, *(step.token for step in steps[:before])])
        first, second = prefix.logits.topk(2).values.tolist()
        gaps.append(float(first - second))
    return min(gaps)
