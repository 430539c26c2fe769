"""Turn what a client asks into a prompt, and into a request for a program. Decodes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from agent.decoding.context import CodeRegion, everywhere
from agent.lm.base import Message, Model
from agent.lm.fim import list_fim_ends
from agent.program.conversation import Conversation
from agent.program.extraction.fences import Block, find_blocks
from agent.program.extraction.parts import join_parts
from agent.program.extraction.pieces import AnswerRules
from agent.program.extraction.regions import goes_on_with_code
from agent.program.prompts import write_prompt
from agent.program.syntax import is_open, is_text, parse
from agent.servers.openai.failures import ApiError
from agent.workflow.prepare import opens_thought

FENCE = "```python\n"


@dataclass(frozen=True, slots=True)
class AskedPrompt:
    """A prompt as token ids, and how its answer begins, ends, and is read."""

    ids: tuple[int, ...]
    end_ids: frozenset[int]
    opening: str = ""  # text of the answer before its first token
    closing: str = ""  # line of the answer behind its last token
    function: str | None = None  # the code with whose function the answer ends; None where it may go on
    in_code: CodeRegion = everywhere


def read_chat_prompt(model: Model, messages: Sequence[Message]) -> AskedPrompt:
    """Return the prompt of a conversation. A base model reads the last request alone, as it does in `solve`.

    Raises ApiError where a base model gets no request, and ModelLoadError where the chat template refuses the messages.
    """
    if model.prompt_style.chat:
        ids = model.tokenizer.converse(messages)
        rules = AnswerRules(thinking=opens_thought(model, ids))
        in_code = partial(goes_on_with_code, rules=rules)
        return AskedPrompt(tuple(ids), model.tokenizer.end_ids, in_code=in_code)
    text = write_prompt(read_program_request(_find_request(messages)), model.prompt_style)
    ids, opening = model.encode_prompt(text.user, text.opening), f"{FENCE}{text.opening}"
    return AskedPrompt(tuple(ids), model.tokenizer.end_ids, opening, "```", text.opening)


def read_prompt(model: Model, text: str, suffix: str | None) -> AskedPrompt:
    """Return the prompt of a text that is to be continued. suffix: what stands behind the gap that is to be filled.

    Raises ApiError for a suffix where the model has no fill-in-the-middle tokens.
    """
    tokenizer = model.tokenizer
    fim = tokenizer.fim
    ends = list_fim_ends(fim, partial(tokenizer.encode, continues=True)) if fim else frozenset()
    if suffix:
        if fim is None:
            raise ApiError(400, "this model has no fill-in-the-middle tokens; leave out suffix", param="suffix")
        text = fim.prompt(text, suffix)
    if not (ids := tokenizer.encode(text)):
        raise ApiError(400, "the prompt is empty; wanted a text to continue", param="prompt")
    return AskedPrompt(tuple(ids), tokenizer.end_ids | ends)


def read_conversation(messages: Sequence[Message]) -> tuple[Conversation, str]:
    """Return the conversation about a program before the last request, and that request.

    A message that follows another one of the same person belongs to it. System prompts are left out.
    """
    _find_request(messages)
    conversation, line = Conversation(), ""
    for message in messages:
        if message.role == "user":
            line = f"{line}\n\n{message.content}" if line else message.content
        elif message.role == "assistant":
            program = _find_program(message.content)
            if line and program:
                request = read_program_request(line)
                conversation = conversation.follow(conversation.read(request), request, program)
            line = ""
    return conversation, read_program_request(line)


def read_program_request(text: str) -> str:
    """Return what a message asks a program for: the code in its one block, where that is still to be completed."""
    blocks = [_read_block(text, block) for block in find_blocks(text) if block.is_python]
    return blocks[0] if len(blocks) == 1 and _asks_by_itself(blocks[0]) else text


def _asks_by_itself(code: str) -> bool:
    """Whether code ends where the body of its function begins, or is a docstring alone, as MBPP's problems are."""
    tree = parse(code)
    return is_open(code) or bool(tree and tree.body and all(map(is_text, tree.body)))


def _find_program(answer: str) -> str:
    """Return the program in an answer: its first whole block of Python; nothing where it has none."""
    blocks = (block for block in find_blocks(answer) if block.is_python and block.closed)
    return next((_read_block(answer, block) for block in blocks), "")


def _read_block(text: str, block: Block) -> str:
    return join_parts(text, block.lines)


def _find_request(messages: Sequence[Message]) -> str:
    """Return what a person asked last. Raises ApiError where nobody asked anything."""
    request = next((each.content for each in reversed(messages) if each.role == "user"), "")
    if not request.strip() or messages[-1].role != "user":
        raise ApiError(400, "the last message has to be a user's, and hold a text", param="messages")
    return request
