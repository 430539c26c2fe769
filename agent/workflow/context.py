"""What a node works with: model, policy, sandbox and bounds; and a state's parts as records. Decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

from agent.decoding.context import DecodeContext, Policy
from agent.decoding.prompt_lookup import PromptLookup
from agent.decoding.step import Completion
from agent.decoding.stops import StopRule, any_of, budget, end_of_code_block, end_of_function, end_token
from agent.errors import ContextLengthError
from agent.files.plain import plain
from agent.lm.base import LM, Model, Tokenizer
from agent.lm.metered import Metered
from agent.profile import ModelProfile
from agent.program import prompts
from agent.program.ends import DUPLICATE, NO_PYTHON
from agent.program.examples.example import Example
from agent.program.extraction.answers import (
    AnswerRules,
    extract_open_program,
    extract_program,
    find_answer_start,
    is_complete,
)
from agent.program.extraction.pieces import ExtractedProgram
from agent.program.failures import failure_of
from agent.program.normal_form import cannot_parse, normal_prefix, normal_prefixes
from agent.program.task import Task
from agent.records import Attempt, Cost, Event
from agent.search.frontier import SearchConfig, config_of
from agent.search.orders import BRANCH, ONWARD
from agent.verification.metered import MeteredSandbox
from agent.workflow.state import AgentState
from sandbox.base import Limits, Sandbox

Emit = Callable[[Event], None]
Log = Callable[[int, Event], None]


@dataclass(frozen=True, slots=True)
class Context:
    """What a run works with, and never stores: the model, the policy, the sandbox and the bounds."""

    model: Model
    policy: Policy
    sandbox: Sandbox
    max_tokens: int = 512
    tau: float = 0.1  # of the partial program: kept cost at most -ln tau nats
    max_holes: int = 2
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    profile: ModelProfile = field(default_factory=lambda: ModelProfile(""))  # what was learned of the model
    emit: Emit = lambda event: None  # hears what happens, in the thread of the node where it does
    log: Log = lambda number, event: None  # hears it with its number in the run, which it keeps if it is made again

    @property
    def lm(self) -> LM:
        """The model as a function of token ids."""
        return self.model.lm

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self.model.tokenizer


def within(context: Context, state: AgentState) -> Context:
    """Return the context with a model that refuses what the budget does not have any more."""
    budget, spent = config_in(state).budget, cost_of(state)
    forwards = None if budget.forwards is None else budget.forwards - spent.forwards
    if forwards is None and budget.seconds is None:
        return context
    metered = Metered(context.lm, forwards, _deadline(context, state), context.clock)
    return replace(context, model=replace(context.model, lm=metered))


def metered_sandbox(context: Context, state: AgentState) -> MeteredSandbox:
    """Return the sandbox, counting its runs, and refusing those that the budget does not have any more."""
    budget, spent = config_in(state).budget, cost_of(state)
    runs = None if budget.runs is None else budget.runs - spent.sandbox_runs
    return MeteredSandbox(context.sandbox, runs, _deadline(context, state), context.clock)


def _deadline(context: Context, state: AgentState) -> float | None:
    seconds = config_in(state).budget.seconds
    return None if seconds is None else context.clock() + seconds - cost_of(state).seconds


def task_of(state: AgentState) -> Task:
    """Return the task as a record."""
    task = state["task"]
    tuples = ("expressions", "before")
    examples = tuple(
        Example(**{**example, **{name: tuple(example[name]) for name in tuples}}) for example in task["examples"]
    )
    return Task(task["request"], examples, task["entry_point"], task["name"], (), tuple(task["tests"]))


def attempts_of(state: AgentState) -> list[Attempt]:
    """Return the attempts as records, oldest first."""
    return [
        Attempt(**{**attempt, "failures": tuple(map(failure_of, attempt["failures"]))}) for attempt in state["attempts"]
    ]


def attempt_record(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as the state has it."""
    return {**asdict(attempt), "failures": plain(attempt.failures)}


def config_in(state: AgentState) -> SearchConfig:
    """Return the plan as a record."""
    return config_of(state["config"])


def cost_of(state: AgentState) -> Cost:
    """Return what the run has cost so far."""
    return Cost(**state["cost"])


def begun(state: AgentState, edge: dict[str, Any] | None = None) -> AgentState:
    """Return the part of a state in which an attempt has just begun, by this edge."""
    return {"tokens": [], "logprobs": [], "forks": [], "end": None, "edge": edge or {}, "before": state["cost"]}


def prompt_of(context: Context, text: str) -> dict[str, Any]:
    """Return a prompt as the state keeps it. Raises ContextLengthError where the model cannot read it."""
    ids = context.model.encode_prompt(text)
    if context.lm.context is not None and len(ids) >= context.lm.context:
        raise ContextLengthError(
            f"the prompt has {len(ids)} tokens and this model reads at most {context.lm.context} with its answer; "
            "shorten the prompt or choose a model with a longer context"
        )
    tags = ("<think>", "<think>\n") if context.model.chats else ()
    opened = [context.tokenizer.encode(tag, continues=True) for tag in tags]
    thinking = any(ids[-len(tag) :] == tag for tag in opened)  # some templates open the thought for the model
    return {"text": text, "ids": ids, "lame_ids": None, "thinking": thinking}


def decode_context(context: Context, state: AgentState) -> DecodeContext:
    """Return what a step may look at, for the prompt being answered."""
    prompt = state["prompts"][state["prompt"]]
    lame = tuple(prompt["lame_ids"]) if prompt.get("lame_ids") else None
    seed = context.seed + len(state["attempts"])
    draft = PromptLookup() if state["prompt"] else None  # a repair repeats most of the program that its prompt shows
    stop = _stop(context, state, prompt)
    return DecodeContext(context.lm, context.policy, stop, tuple(prompt["ids"]), lame, seed, draft, forking=True)


def completion_of(decoding: DecodeContext, context: Context, tokens: list[int]) -> Completion:
    """Return the completion that these tokens make."""
    completion = Completion(stream=context.tokenizer.stream(decoding.prompt_ids))
    for token in tokens:
        completion = completion.append(token)
    return completion


def pieces_of(context: Context, state: AgentState) -> list[str]:
    """Return the text of each token generated."""
    stream = context.tokenizer.stream(state["prompts"][state["prompt"]]["ids"])
    pieces = []
    for token in state["tokens"]:
        stream, piece = stream.feed(token)
        pieces.append(piece)
    return pieces


def _stop(context: Context, state: AgentState, prompt: dict[str, Any]) -> StopRule:
    room = context.lm.context - len(prompt["ids"]) if context.lm.context else context.max_tokens
    config, most = config_in(state), min(context.max_tokens, room)
    if config.budget.tokens is not None:
        most = min(most, len(state["tokens"]) + config.budget.tokens - cost_of(state).tokens)
    over = _end_of_answer(context, state) if context.model.chats else end_of_function(prompt["text"])
    rules = [end_token(context.tokenizer.end_ids), over, budget(most)]
    if config.prune and state["edge"].get("kind") == BRANCH:
        rules.append(_dead_end(context, state))
    return any_of(*rules)


def _end_of_answer(context: Context, state: AgentState) -> StopRule:
    """Stop at the end of a block that makes an answer whole, behind what an attempt before it was read up to."""
    asked, edge = asked_in(state), state["edge"]
    since = _length_of(context, state, edge["position"]) if edge.get("kind") == ONWARD else 0
    return end_of_code_block(lambda answer: is_complete(answer, asked, since))


def _length_of(context: Context, state: AgentState, tokens: int) -> int:
    """Return how many characters the first tokens make."""
    before: AgentState = {**state, "tokens": state["tokens"][:tokens]}
    return len("".join(pieces_of(context, before)))


def asked_in(state: AgentState) -> AnswerRules:
    """Return what the answer in progress is read by."""
    task, prompt = state["task"], state["prompts"][state["prompt"]]
    return prompts.answer_rules(task["request"], task["entry_point"], thinking=prompt.get("thinking", False))


def piece_of(context: Context, state: AgentState, text: str) -> ExtractedProgram:
    """Return the program in a text that was generated for the prompt being answered."""
    if context.model.chats:
        return extract_program(text, asked_in(state))
    task = state["task"]  # the tests that a prompt shows are no part of the program
    return prompts.read_completion(prompts.write_prompt(task["request"], chat=False, name=task["entry_point"]), text)


def still_thinking(context: Context, state: AgentState) -> bool:
    """Whether all that was generated is a thought that has not ended."""
    text = "".join(pieces_of(context, state)) if context.model.chats else ""
    return context.model.chats and find_answer_start(text, thinking=asked_in(state).thinking) is None


def _dead_end(context: Context, state: AgentState) -> StopRule:
    """Stop a branch at the end of a line behind which it can be no program, or only one that failed already.

    Where nobody asked for a name, programs that passed are not written again under other names either.
    """
    begun, asked = _length_of(context, state, state["edge"]["position"]), asked_in(state)
    any_name = task_of(state).any_name
    known = [each["program"] for each in state["attempts"] if any_name or each["verdict"] != "passed"]
    taken = frozenset().union(*(normal_prefixes(program, any_name=any_name) for program in known))

    def rule(completion: Completion) -> str | None:
        if "\n" not in completion.text[begun:]:  # the statement of the fork has not ended
            return None
        text = completion.text
        source = (
            extract_open_program(text, asked) if context.model.chats else piece_of(context, state, text).source(text)
        )
        lines = (source or "").rpartition("\n")[0]
        last = lines.rpartition("\n")[2].strip()
        if not last or last.startswith("#"):
            return None
        return (
            NO_PYTHON
            if _cannot_parse(lines)
            else DUPLICATE
            if normal_prefix(lines, any_name=any_name) in taken
            else None
        )

    return rule


_cannot_parse = lru_cache(maxsize=512)(cannot_parse)
