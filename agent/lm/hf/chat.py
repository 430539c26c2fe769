"""Chat templates: choose a model's prompt style by what it has, and render turns in a child process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from agent.errors import ModelLoadError
from agent.lm.base import Message
from agent.lm.hf.template import TEMPLATE_ADVICE, render_template
from agent.program.styles import AUTO, PromptStyle, begin_nothing, find_style

_THOUGHT = "<think>"  # some templates open the thought for the model
_SYSTEM, _REQUEST, _ANSWER = "Praefatio", "Dubitatio", "Certitudo"  # words that no template contains


def choose_style(wanted: str, tokenizer: Any, end_ids: frozenset[int]) -> PromptStyle:
    """Return the style of a name; `auto` is `dubito` for a chat model and `completion` for others.

    Raises ModelLoadError where the style is of chats, and the model's chat template is missing or does not work.
    """
    if wanted == AUTO:
        wanted = "dubito" if is_chat_model(tokenizer, end_ids) else "completion"
    style = find_style(wanted)
    if style.chat:
        _check_template(tokenizer, style)
        if style.closing_fence and render_request(tokenizer, _REQUEST).rstrip().endswith(_THOUGHT):
            return begin_nothing(style)  # the model thinks first, and no text that is begun for it may stand in there
    return style


def is_chat_model(tokenizer: Any, end_ids: frozenset[int]) -> bool:
    """Decide whether a model expects turns of a chat: its chat template ends answers with a token that ends texts.

    A base model carries the template of its instruct sibling, but ends texts otherwise. Raises ModelLoadError for a
    template that does not work.
    """
    if not getattr(tokenizer, "chat_template", None):
        return False
    _check_template(tokenizer)
    closing = _find_closing_ids(tokenizer)
    return not closing or bool(closing & end_ids)


def render_request(tokenizer: Any, request: str, *, system: str | None = None, opening: str = "") -> str:
    """Render a chat of one request, up to the start of the answer and the text that it begins with.

    system: the system prompt; None for the template's own. Raises ModelLoadError.
    """
    turns = _write_turns(tokenizer, request, system)
    if opening:
        answer = {"role": "assistant", "content": opening + _ANSWER}
        with suppress(ModelLoadError):  # some templates take no answer
            before, _, _ = _render_turns(tokenizer, (*turns, answer), answer_follows=False).rpartition(_ANSWER)
            if before.endswith(opening):
                return before
    return _render_turns(tokenizer, turns, answer_follows=True) + opening


def render_conversation(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Render a conversation, up to the start of its next answer. Raises ModelLoadError.

    What its first messages of the role system say is one system prompt.
    """
    first = next((number for number, each in enumerate(messages) if each.role != "system"), len(messages))
    system = "\n\n".join(each.content for each in messages[:first]) if first else None
    turns = tuple({"role": each.role, "content": each.content} for each in messages[first:])
    return _render_turns(tokenizer, _place_system(tokenizer, system, turns), answer_follows=True)


def _write_turns(tokenizer: Any, request: str, system: str | None) -> tuple[dict[str, str], ...]:
    return _place_system(tokenizer, system, ({"role": "user", "content": request},))


def _place_system(tokenizer: Any, system: str | None, turns: tuple[dict[str, str], ...]) -> tuple[dict[str, str], ...]:
    """Return turns with a system prompt; it stands in the first of them where the template takes no other."""
    if system is None:
        return turns
    probe = ({"role": "system", "content": _SYSTEM}, {"role": "user", "content": _REQUEST})
    with suppress(ModelLoadError):
        if _SYSTEM in _render_turns(tokenizer, probe, answer_follows=True):
            return ({"role": "system", "content": system}, *turns)
    first, *rest = turns or ({"role": "user", "content": ""},)
    return ({**first, "content": f"{system}\n\n{first['content']}"}, *rest)


def _check_template(tokenizer: Any, style: PromptStyle | None = None) -> None:
    """Raise ModelLoadError unless the model has a chat template that shows what is asked."""
    if not getattr(tokenizer, "chat_template", None):
        asked = f", and the prompt style {style.name} needs one" if style else ""
        raise ModelLoadError(f"this model has no chat template{asked}; ask with the prompt style completion")
    if _REQUEST not in render_request(tokenizer, _REQUEST):
        raise ModelLoadError(f"this model's chat template leaves out what it is asked; {TEMPLATE_ADVICE}")


def _find_closing_ids(tokenizer: Any) -> frozenset[int]:
    """Return the added tokens that the template writes after an answer; none if it cannot render one."""
    turns = ({"role": "user", "content": _REQUEST}, {"role": "assistant", "content": _ANSWER})
    try:
        _, answer, closing = _render_turns(tokenizer, turns, answer_follows=False).rpartition(_ANSWER)
    except ModelLoadError:  # some templates take no answer; they work for a request
        return frozenset()
    ids = tokenizer(closing, add_special_tokens=False)["input_ids"] if answer else ()
    return frozenset(ids) & frozenset(tokenizer.added_tokens_decoder)


def _render_turns(tokenizer: Any, turns: tuple[dict[str, str], ...], *, answer_follows: bool) -> str:
    variables = {
        **tokenizer.special_tokens_map,
        "messages": turns,
        "tools": None,
        "documents": None,
        "add_generation_prompt": answer_follows,
    }
    return render_template(_default_template(tokenizer), json.dumps(variables))


def _default_template(tokenizer: Any) -> str:
    template = tokenizer.chat_template
    if isinstance(template, str):
        return template
    if isinstance(template, dict) and isinstance(template.get("default"), str):
        return str(template["default"])
    names = ", ".join(sorted(map(str, template))) if isinstance(template, dict) else type(template).__name__
    raise ModelLoadError(
        f"this model has several chat templates ({names[:200]}) and none of them is the default; "
        "name one of them default, or ask with the prompt style completion"
    )
