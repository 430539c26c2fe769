"""Answer as a plain model: one completion a choice, through a policy that pauses. Runs no program."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from agent.decoding import Policy, Step, decode
from agent.decoding.policies import name_policy
from agent.decoding.stops import StopRule, any_of, end_at_text, end_of_function, end_token, token_limit
from agent.errors import BudgetSpentError, ContextLengthError
from agent.lm.metered import Metered
from agent.program.ends import CUT_OFF
from agent.servers.openai.answer_text import AnswerText
from agent.servers.openai.asking import AskedPrompt
from agent.servers.openai.bodies import RequestBody
from agent.servers.openai.events import Begun, Ended, Stopped, TellEvent, WrittenToken
from agent.servers.openai.served import ServedModel, draws
from agent.servers.openai.spans import MOST_ALTERNATIVES, describe_answer, write_step_span

_SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request says about its answers."""

    choices: int
    policy: Policy
    policy_name: str
    seed: int
    stops: tuple[str, ...]
    max_tokens: int
    likeliest: int  # tokens that are told in the place of each

    @classmethod
    def read(cls, served: ServedModel, body: RequestBody, max_tokens: int | None, likeliest: int | None) -> Wanted:
        """Return what a body says. Without a seed, tokens are drawn by one that differs from request to request."""
        policy = served.choose_policy(body.temperature, body.top_p)
        name = "sample" if body.temperature else name_policy(policy)
        seed = body.seed if body.seed is not None else secrets.randbelow(_SEEDS) if draws(policy) else 0
        most = max_tokens or served.max_tokens
        return cls(body.n or 1, policy, name, seed, tuple(body.stop or ()), most, likeliest or 0)


def complete(
    served: ServedModel, prompts: Sequence[AskedPrompt], wanted: Wanted, tell: TellEvent, stopped: Stopped
) -> None:
    """Write the choices for each prompt, one after the other. Raises ContextLengthError before the first one."""
    for prompt in prompts:
        _check_room(served, prompt)
    tell(Begun(sum(len(prompt.ids) for prompt in prompts)))
    for number, prompt in enumerate(prompts):
        for choice in range(wanted.choices):
            try:
                _write_choice(served, prompt, wanted, number * wanted.choices + choice, tell, stopped)
            except BudgetSpentError:  # nobody waits for the rest
                return


def _check_room(served: ServedModel, prompt: AskedPrompt) -> None:
    room = served.model.lm.context
    if room is not None and len(prompt.ids) >= room:
        raise ContextLengthError(
            f"the prompt has {len(prompt.ids)} tokens, and this model reads at most {room} with its answer; shorten it"
        )


def _write_choice(
    served: ServedModel, prompt: AskedPrompt, wanted: Wanted, number: int, tell: TellEvent, stopped: Stopped
) -> None:
    """Write one choice. Raises BudgetSpentError once nobody waits for it."""
    model, steps = served.model, list[_Placed]()
    answer = AnswerText(number, prompt.opening, wanted.stops, prompt.function)
    lm = Metered(model.lm, None, 0.0, lambda: math.inf if stopped() else -math.inf)
    for step in decode(
        lm, prompt.ids, wanted.policy, stop=_stop_rule(served, prompt, wanted), text=model.tokenizer.stream(prompt.ids),
        seed=wanted.seed + number, in_code=prompt.in_code, alternatives=max(wanted.likeliest, MOST_ALTERNATIVES),
    ):  # fmt: skip
        placed = _Placed(step, answer.length, prompt.in_code(answer.text))
        steps.append(placed)
        if step.token in prompt.end_ids:
            continue
        if piece := answer.add(_write_token(placed, wanted.likeliest)):
            tell(piece)
    if piece := answer.end(prompt.closing):
        tell(piece)
    kept = [each for each in steps if each.start < answer.length]
    doubtful = [each for each in kept if _is_doubtful(served, each)]
    spans = [write_step_span(each.step, each.start, answer.length) for each in doubtful]
    pauses = sum(each.step.pause is not None for each in kept)
    reason = "length" if steps[-1].step.end in CUT_OFF else "stop"
    dubito = describe_answer(wanted.policy_name, wanted.seed + number, pauses, spans)
    tell(Ended(number, reason, len(steps), dubito))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A step, where it begins in the answer, and whether that is code."""

    step: Step
    start: int
    in_code: bool


def _stop_rule(served: ServedModel, prompt: AskedPrompt, wanted: Wanted) -> StopRule:
    room = served.model.lm.context
    most = wanted.max_tokens if room is None else min(wanted.max_tokens, room - len(prompt.ids))
    rules = [end_token(prompt.end_ids), token_limit(most)]
    if wanted.stops:
        rules.insert(1, end_at_text(wanted.stops))
    if prompt.function is not None:
        rules.insert(1, end_of_function(prompt.function))
    return any_of(*rules)


def _write_token(placed: _Placed, likeliest: int) -> WrittenToken:
    step = placed.step
    ways = [(each.text, each.logprob) for each in step.others] + [(step.text, step.logprob)]
    ways.sort(key=lambda way: -way[1])
    return WrittenToken(step.text, placed.start, step.logprob, tuple(ways[:likeliest]))


def _is_doubtful(served: ServedModel, placed: _Placed) -> bool:
    """Whether the policy paused before a token of code, or would have paused if it did not draw."""
    gate = served.doubt
    doubtful = placed.step.scores[gate.score] >= gate.threshold
    return placed.step.pause is not None or (placed.in_code and doubtful)
