"""Chat templates: decide whether a model expects turns of a chat, and render them in a child process."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, get_args

from agent.errors import InvalidRequestError, ModelLoadError
from agent.messages import first_sentence

PromptFormat = Literal["auto", "chat", "completion"]
_SECONDS = 20.0  # of wall time for one rendering; the child's own limit in CPU seconds is stricter
_ADVICE = "mend the template, or ask with the prompt format completion"
_LIMITS = "it takes too much time or memory"
_CHILD = Path(__file__).with_name("template_child.py")
_REQUEST, _ANSWER = "Dubitatio", "Certitudo"  # words that no template contains


def parse_prompt_format(name: str) -> PromptFormat:
    """Return a prompt format. Raises ModelLoadError for a word that is none."""
    for prompt_format in get_args(PromptFormat):
        if name == prompt_format:
            return prompt_format  # type: ignore[no-any-return]  # get_args is untyped
    raise InvalidRequestError(f"unknown prompt format {name!r}; choose from {', '.join(get_args(PromptFormat))}")


def expects_turns(prompt_format: PromptFormat, tokenizer: Any, end_ids: frozenset[int]) -> bool:
    """Decide whether prompts are turns of a chat. Raises ModelLoadError if it needs a template and that does not work.

    auto: a model with a chat template expects turns, unless its answers end with tokens that do not end texts. A base
    model carries the template of its instruct sibling, but ends texts otherwise.
    """
    template = getattr(tokenizer, "chat_template", None)
    if prompt_format == "completion" or (prompt_format == "auto" and not template):
        return False
    if not template:
        raise ModelLoadError("this model has no chat template; ask with the prompt format completion")
    if _REQUEST not in render_request(tokenizer, _REQUEST):
        raise ModelLoadError(f"this model's chat template leaves out what it is asked; {_ADVICE}")
    closing = _find_closing_ids(tokenizer) if prompt_format == "auto" else frozenset()
    return not closing or bool(closing & end_ids)


def render_request(tokenizer: Any, request: str) -> str:
    """Render a chat whose only turn is this request, up to the start of the answer. Raises ModelLoadError."""
    return _render_turns(tokenizer, ({"role": "user", "content": request},), answer_follows=True)


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
    return _render(json.dumps({"template": _default_template(tokenizer), "variables": variables}))


def _default_template(tokenizer: Any) -> str:
    template = tokenizer.chat_template
    if isinstance(template, str):
        return template
    if isinstance(template, dict) and isinstance(template.get("default"), str):
        return str(template["default"])
    names = ", ".join(sorted(map(str, template))) if isinstance(template, dict) else type(template).__name__
    raise ModelLoadError(
        f"this model has several chat templates ({names[:200]}) and none of them is the default; "
        "name one of them default, or ask with the prompt format completion"
    )


@functools.lru_cache(maxsize=64)
def _render(request: str) -> str:
    """Render in a child process. Raises ModelLoadError if no text comes of it."""
    # -E and -P ignore the environment and the current folder. -s is missing: jinja2 may be in the user's packages.
    command = [sys.executable, "-E", "-P", str(_CHILD)]
    try:
        child = subprocess.run(command, input=request.encode(), capture_output=True, timeout=_SECONDS, check=False)
        outcome = json.loads(child.stdout) if child.returncode == 0 else {"error": _describe_end(child)}
    except subprocess.TimeoutExpired:
        outcome = {"error": _LIMITS}
    if "text" in outcome:
        return str(outcome["text"])
    raise ModelLoadError(
        f"this model's chat template cannot be rendered ({first_sentence(outcome['error'])}); {_ADVICE}"
    )


def _describe_end(child: subprocess.CompletedProcess[bytes]) -> str:
    """Describe why a child ended without an answer: a signal means a limit, else the last line of stderr tells."""
    lines = child.stderr.decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), f"exit code {child.returncode}")
    return _LIMITS if child.returncode < 0 else f"its renderer failed: {last[:300]}"
