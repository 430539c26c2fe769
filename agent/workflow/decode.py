"""The nodes that decode: `decode` to the next pause, `rerank`, `contrast` and `ask` through one.

`preview` looks ahead for `ask`, which begins anew when the answer comes, and so must not do it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

from agent.decoding.ask import Ask, Preview
from agent.decoding.context import DecodeContext, DecodeState, Policy
from agent.decoding.loop import resolve_pause
from agent.decoding.policies import SAMPLE
from agent.decoding.prompt_lookup import PromptLookup
from agent.decoding.samplers import argmax
from agent.decoding.step import Candidate, Completion, Step
from agent.errors import BudgetSpentError
from agent.lm.base import LM
from agent.lm.forbidding import Forbidding
from agent.program.ends import BUDGET_ENDS
from agent.program.prompts import read_opening_code
from agent.records import CandidateQuestion, Cost, Edge, EdgeKind, Fork, PersonReply, Prompt
from agent.workflow.context import Context, Person, count_forwards, limit_forwards, meter_sandbox
from agent.workflow.state import AgentState
from agent.workflow.stops import stop_rule
from agent.workflow.text import code_region
from agent.workflow.traced_prompts import TracedPrompts

Walk = Callable[[DecodeContext, DecodeState], Generator[Step, None, DecodeState]]


def advance(context: Context, state: AgentState, walk: Walk) -> AgentState:
    """Advance the attempt in progress along `walk`, until the walk or the budget ends."""
    start, before = context.clock(), count_forwards(context)
    box, current = meter_sandbox(context, state), state.current
    tracing = TracedPrompts(replace(context, sandbox=box), state)
    steps, spent = _follow(limit_forwards(context, state), state, walk, tracing)
    cost = Cost(
        tokens=len(steps),
        pauses=sum(step.pause is not None for step in steps),
        sandbox_runs=box.runs,
        seconds=context.clock() - start,
    )
    forks = (_fork(position, step) for position, step in enumerate(steps, start=len(current.tokens)) if step.others)
    current = replace(
        current,
        tokens=(*current.tokens, *(step.token for step in steps)),
        logprobs=(*current.logprobs, *(step.logprob for step in steps)),
        forks=(*current.forks, *forks),
        end=(steps[-1].end if steps else current.end) or spent,
        trace=tracing.last,
    )
    return replace(state, current=current, cost=state.cost + cost + (count_forwards(context) - before))


def preview_pause(context: Context, state: AgentState) -> AgentState:
    """Look where each candidate of a pause leads, for the person who is asked next."""
    previews, ask = list[Preview](), _find_ask(context)

    def look(decoding: DecodeContext, at: DecodeState) -> Generator[Step, None, DecodeState]:
        previews.append(ask.look_ahead(decoding, at))
        yield from ()
        return at

    after = advance(context, state, look)
    return replace(after, current=replace(after.current, preview=previews[0] if previews else None))


def ask_for_token(context: Context, state: AgentState, person: Person) -> AgentState:
    """Resolve a pause by asking a person, who chooses a candidate or writes another text."""
    replies = list(state.replies)

    def choose(text: str, candidates: tuple[Candidate, ...]) -> list[int]:
        question = CandidateQuestion(read_opening_code(state.prompt.opening) + text, candidates)
        reply = person(question)
        replies.append(PersonReply(question, reply))
        return [candidates[reply].token] if isinstance(reply, int) else context.tokenizer.encode(reply, continues=True)

    ask = replace(_find_ask(context), choose=choose, preview=state.current.preview)
    after = advance(replace(context, policy=replace(context.policy, resolver=ask)), state, resolve_pause)
    return replace(after, current=replace(after.current, preview=None), replies=tuple(replies))


def _find_ask(context: Context) -> Ask:
    resolver = context.policy.resolver
    assert isinstance(resolver, Ask), "no other policy is sent here"
    return resolver


def decode_context(context: Context, state: AgentState) -> DecodeContext:
    """Return what a step of the attempt in progress may look at."""
    prompt, repairs = state.prompt, state.current.prompt > 0
    draft = PromptLookup() if repairs else None  # a repair repeats most of the program that its prompt shows
    seed = seed_of_attempt(context.seed, len(state.attempts))
    stop, in_code = stop_rule(context, state), code_region(context, state.task, prompt)
    policy = policy_of_attempt(context.policy, state.current.edge)
    return DecodeContext(
        forbid_first(context.lm, prompt),
        policy,
        stop,
        prompt.ids,
        prompt.lame_ids or None,
        seed,
        draft,
        forking=True,
        in_code=in_code,
    )


def seed_of_attempt(seed: int, number: int) -> int:
    """Return the seed by which an attempt of this number, from 0, draws its tokens."""
    return seed + 1_000 * number


def policy_of_attempt(policy: Policy, edge: Edge | None) -> Policy:
    """Return the policy of an attempt. A fresh sample draws its tokens, also where the policy takes the likeliest.

    It does not pause there either: what a lookahead chooses where most is in doubt would make all samples alike.
    """
    draws = edge is not None and edge.kind == EdgeKind.SAMPLE and policy.sampler is argmax
    return SAMPLE if draws else policy


def forbid_first(lm: LM, prompt: Prompt) -> LM:
    """Return the model that begins no answer with a token that the prompt forbids; the lame prompt forbids the same."""
    if not prompt.forbidden_first:
        return lm
    return Forbidding(lm, frozenset((prompt.ids, prompt.lame_ids or prompt.ids)), prompt.forbidden_first)


def rebuild_completion(context: Context, state: AgentState) -> Completion:
    """Return the completion that the tokens of the attempt in progress make."""
    completion = Completion(stream=context.tokenizer.stream(state.prompt.ids))
    for token in state.current.tokens:
        completion = completion.append(token)
    return completion


def _follow(context: Context, state: AgentState, walk: Walk, tracing: TracedPrompts) -> tuple[list[Step], str | None]:
    """Follow a walk; return its steps, and the end that a spent budget put to it."""
    steps: list[Step] = []
    try:
        decoding = replace(decode_context(context, state), write_traced_prompt=tracing)
        prefix = decoding.lm.prefill([*state.prompt.ids, *state.current.tokens])
        for step in walk(decoding, DecodeState(prefix, rebuild_completion(context, state))):
            context.emit(step)
            steps.append(step)
    except BudgetSpentError as error:
        return steps, BUDGET_ENDS[error.part]
    return steps, None


def _fork(position: int, step: Step) -> Fork:
    return Fork(position, step.scores["entropy"], step.logprob, step.others)
