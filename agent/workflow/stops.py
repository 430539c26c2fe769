"""Stop rules of the attempt in progress: the end of the program, of the budget, or of what can still succeed."""

from __future__ import annotations

from functools import lru_cache

from agent.decoding.step import Completion
from agent.decoding.stops import (
    StopRule,
    any_of,
    end_at_margin,
    end_at_text,
    end_of_code_block,
    end_of_function,
    end_token,
    token_limit,
)
from agent.program.ends import End
from agent.program.extraction.answers import is_complete
from agent.program.normal_form import cannot_parse, normal_prefix, normal_prefixes
from agent.records import EdgeKind
from agent.search.draws import leaves_parent
from agent.workflow.context import Context
from agent.workflow.state import AgentState
from agent.workflow.text import read_open_program, read_text, rules_for


def stop_rule(context: Context, state: AgentState) -> StopRule:
    """Return the rule that ends the attempt in progress."""
    edge, limit = state.current.edge, token_limit(_most_tokens(context, state))
    rules = [end_token(context.tokenizer.end_ids), *_ends_of_style(context, state), limit]
    if state.config.prune and edge and leaves_parent(edge):
        rules.append(_dead_end(context, state, edge.position))
    return any_of(*rules)


def _ends_of_style(context: Context, state: AgentState) -> list[StopRule]:
    """Return the rules by which the prompt style ends a program."""
    style, opening, rules = context.model.prompt_style, state.prompt.opening, list[StopRule]()
    if not style.chat:
        rules.append(end_of_function(opening))
    if style.closing_fence:
        rules.append(_end_of_answer(context, state))
    if style.stops:
        rules.append(end_at_text(style.stops))
    if style.margin_stops:
        rules.append(end_at_margin(style.margin_stops, rules_for(state.task, state.prompt)))
    return rules


def _most_tokens(context: Context, state: AgentState) -> int:
    """Return how many tokens the completion may have: by option, by the model's context, by the run's budget."""
    room = context.lm.context - len(state.prompt.ids) if context.lm.context else context.max_tokens
    most, tokens = min(context.max_tokens, room), state.config.budget.tokens
    return most if tokens is None else min(most, len(state.current.tokens) + tokens - state.cost.tokens)


def _end_of_answer(context: Context, state: AgentState) -> StopRule:
    """Stop at the end of a code block that makes a chat answer whole; after EdgeKind.READ_ON only at a later one."""
    rules, edge = rules_for(state.task, state.prompt), state.current.edge
    since = _length(context, state, edge.position) if edge and edge.kind == EdgeKind.READ_ON else 0
    return end_of_code_block(lambda answer: is_complete(answer, rules, since))


def _length(context: Context, state: AgentState, tokens: int) -> int:
    """Return how many characters the first tokens of the attempt in progress make."""
    return len(read_text(context, state.prompt, state.current.tokens[:tokens]))


def _dead_end(context: Context, state: AgentState, position: int) -> StopRule:
    """Stop at the end of a line after which the attempt is no Python, or begins like an earlier program.

    position: of the token by which it left another attempt.
    """
    task, prompt = state.task, state.prompt
    start, any_name = _length(context, state, position), task.any_name
    taken = frozenset().union(*(normal_prefixes(each.program, any_name=any_name) for each in state.attempts))

    def rule(completion: Completion) -> str | None:
        if "\n" not in completion.text[start:].lstrip():  # the statement of the fork has not ended
            return None
        lines = read_open_program(context, task, prompt, completion.text).rpartition("\n")[0]
        last = lines.rpartition("\n")[2].strip()
        if not last or last.startswith("#"):
            return None
        if _cannot_parse(lines):
            return End.NO_PYTHON
        return End.DUPLICATE if normal_prefix(lines, any_name=any_name) in taken else None

    return rule


_cannot_parse = lru_cache(maxsize=512)(cannot_parse)
