"""The node `prepare`: turn the task into a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.errors import ContextLengthError
from agent.lm.base import Model
from agent.program import prompts
from agent.program.lame import write_lame_prompt
from agent.program.prompts import PromptText
from agent.program.styles import PromptStyle
from agent.program.task import Task
from agent.records import Prompt, Unfinished
from agent.workflow.context import Context
from agent.workflow.state import AgentState

_EXCERPTS = (2_000, 1_000, 500, 0)  # characters of a module that are shown where its usual excerpt is too long
_THOUGHT_TAGS = ("<think>", "<think>\n")


def build_prompt(context: Context, state: AgentState) -> AgentState:
    """Build the prompt, and its lame prompt for a policy that reads one; begin the first attempt."""
    task, style = state.task, context.model.prompt_style
    prompt = encode_prompt(context, write_task_prompt(task, style))
    if context.policy.contrasts:
        lame = write_lame_prompt(task.request, task.entry_point)
        weaker = prompts.write_prompt(
            lame, style, name=task.entry_point, parameters=task.parameters, beside=task.beside
        )
        prompt = replace(prompt, lame_ids=tuple(context.model.encode_prompt(weaker.user, weaker.opening)))
    return replace(state, prompts=(prompt,), current=Unfinished(cost_before=state.cost))


def fit_request(context: Context, task: Task) -> Task:
    """Return a task about a module with as much of the module in its request as leaves the model room to answer."""
    if task.module is None:
        return task
    for most in _EXCERPTS:
        if leaves_room(context, task):
            break
        task = replace(task, request=task.module.excerpt(most))
    return task


def write_task_prompt(task: Task, style: PromptStyle) -> PromptText:
    """Return the prompt for a task in a style."""
    return prompts.write_prompt(
        task.request, style, name=task.entry_point, parameters=task.parameters, tests=task.tests, beside=task.beside
    )


def leaves_room(context: Context, task: Task) -> bool:
    """Whether the model can read the prompt of a task and write an answer: the longest, or half of its context."""
    room = context.lm.context
    if room is None:
        return True
    text = write_task_prompt(task, context.model.prompt_style)
    return len(context.model.encode_prompt(text.user, text.opening)) + min(context.max_tokens, room // 2) <= room


def encode_prompt(context: Context, text: PromptText) -> Prompt:
    """Turn a prompt's text into token ids. Raises ContextLengthError where the model cannot read them."""
    ids, room = context.model.encode_prompt(text.user, text.opening), context.lm.context
    if room is not None and len(ids) >= room:
        raise ContextLengthError(
            f"the prompt has {len(ids)} tokens and this model reads at most {room} with its answer; "
            "shorten the prompt or choose a model with a longer context"
        )
    forbidden = _find_forbidden(context, text.forbidden_first) if text.forbidden_first else ()
    thinking = opens_thought(context.model, ids)
    return Prompt(text.user, tuple(ids), thinking=thinking, opening=text.opening, forbidden_first=forbidden)


def opens_thought(model: Model, ids: Sequence[int]) -> bool:
    """Whether a prompt ends inside a thought: some chat templates open it for the model."""
    texts = _THOUGHT_TAGS if model.prompt_style.chat else ()
    tags = [model.tokenizer.encode(text, continues=True) for text in texts]
    return any(list(ids[-len(tag) :]) == tag for tag in tags)


def _find_forbidden(context: Context, beginning: str) -> tuple[int, ...]:
    """Return the tokens that begin so, and those that end an answer: either would leave a stub."""
    return tuple(sorted({*context.tokenizer.find_tokens(beginning), *context.tokenizer.end_ids}))
