"""The node `prepare`: turn the task into a prompt."""

from __future__ import annotations

from dataclasses import replace

from agent.errors import ContextLengthError
from agent.program import prompts
from agent.program.lame import write_lame_prompt
from agent.program.prompts import PromptText
from agent.program.task import Task
from agent.records import Prompt, Unfinished
from agent.workflow.context import Context
from agent.workflow.state import AgentState

_EXCERPTS = (2_000, 1_000, 500, 0)  # characters of a module that are shown where its usual excerpt is too long
_THOUGHT_TAGS = ("<think>", "<think>\n")


def build_prompt(context: Context, state: AgentState) -> AgentState:
    """Build the prompt, and its lame prompt for a policy that reads one; begin the first attempt."""
    task, style = state.task, context.model.prompt_style
    text = prompts.write_prompt(task.request, style, name=task.entry_point, tests=task.tests, beside=task.beside)
    prompt = encode_prompt(context, text)
    if context.policy.contrasts:
        lame = write_lame_prompt(task.request, task.entry_point)
        weaker = prompts.write_prompt(lame, style, name=task.entry_point, beside=task.beside)
        prompt = replace(prompt, lame_ids=tuple(context.model.encode_prompt(weaker.user, weaker.opening)))
    return replace(state, prompts=(prompt,), current=Unfinished(cost_before=state.cost))


def fit_request(context: Context, task: Task) -> Task:
    """Return a task about a module with as much of the module in its request as leaves the model room to answer."""
    module, room = task.module, context.lm.context
    if module is None or room is None:
        return task
    for most in _EXCERPTS:
        text = prompts.write_prompt(task.request, context.model.prompt_style, name=task.entry_point, tests=task.tests)
        count = len(context.model.encode_prompt(text.user, text.opening))
        if count + min(context.max_tokens, room // 2) <= room:
            break
        task = replace(task, request=module.excerpt(most))
    return task


def encode_prompt(context: Context, text: PromptText) -> Prompt:
    """Turn a prompt's text into token ids. Raises ContextLengthError where the model cannot read them."""
    ids, room = context.model.encode_prompt(text.user, text.opening), context.lm.context
    if room is not None and len(ids) >= room:
        raise ContextLengthError(
            f"the prompt has {len(ids)} tokens and this model reads at most {room} with its answer; "
            "shorten the prompt or choose a model with a longer context"
        )
    texts = _THOUGHT_TAGS if context.model.prompt_style.chat else ()
    tags = [context.tokenizer.encode(text, continues=True) for text in texts]
    thinking = any(ids[-len(tag) :] == tag for tag in tags)  # some chat templates open the thought for the model
    forbidden = _find_forbidden(context, text.forbidden_first) if text.forbidden_first else ()
    return Prompt(text.user, tuple(ids), thinking=thinking, opening=text.opening, forbidden_first=forbidden)


def _find_forbidden(context: Context, beginning: str) -> tuple[int, ...]:
    """Return the tokens that begin so, and those that end an answer: either would leave a stub."""
    return tuple(sorted({*context.tokenizer.find_tokens(beginning), *context.tokenizer.end_ids}))
