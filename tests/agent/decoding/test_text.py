"""Steps carry text: pieces join to what the tokens mean, also where a character spans two tokens."""

import re

import pytest
from chains import LAME, LAW, chain, rows
from fakes import PROMPT, TableLM
from hypothesis import given
from hypothesis import strategies as st
from text_model import byte_fallback_tokenizer
from tokenizers import Tokenizer, decoders, models

from agent.decoding import POLICIES, Completion, Gate, Policy, decode
from agent.decoding.ask import Ask
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import argmax
from agent.decoding.stops import any_of, end_token, token_limit
from agent.lm.hf.text import TokenStream

# Token 0 ends a text, 1 is a letter, 2 and 3 are the two bytes of an é, written as byte-level vocabularies write them.
TOKENIZER = Tokenizer(models.BPE(vocab={"<end>": 0, "a": 1, "Ã": 2, "©": 3}, merges=[]))
TOKENIZER.decoder = decoders.ByteLevel()
TOKENIZER.add_special_tokens(["<end>"])

STOP = any_of(end_token([0]), token_limit(8))


def stream() -> TokenStream:
    return TokenStream.after(TOKENIZER, ())


def run(policy: Policy, lm: TableLM) -> list:
    return list(decode(lm, PROMPT, policy, stop=STOP, lame_ids=LAME, text=stream()))


def test_a_character_of_two_tokens_becomes_readable_with_its_second():
    lm = TableLM({(): [0, 1, 0, 0], (1,): [0, 0, 1, 0], (1, 2): [0, 0, 0, 1]}, default=[1, 0, 0, 0])
    assert [step.text for step in run(POLICIES["greedy"], lm)] == ["a", "", "é", ""]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
@LAW
@given(rows=rows, lame=rows)
def test_the_pieces_of_all_steps_join_to_the_text_of_the_tokens(policy, rows, lame):
    steps = run(policy, chain(rows, lame))
    completion = Completion(stream=stream())
    for step in steps:
        completion = completion.append(step.token)
    assert "".join(step.text for step in steps) == completion.text
    whole = TOKENIZER.decode([step.token for step in steps])
    assert whole.startswith(completion.text)
    assert whole == completion.text or whole.endswith("\ufffd")  # or its last character is still open


def test_the_same_completion_can_grow_two_ways():
    open_character = Completion(stream=stream()).append(2)
    assert [open_character.append(3).text, open_character.append(3).append(1).text, open_character.text] == [
        "é",
        "éa",
        "",
    ]


def test_candidates_show_their_rollouts_text():
    lm = TableLM({(): [0, 0.5, 0.5, 0], (1,): [0, 1, 0, 0], (2,): [0, 0, 0, 1]}, default=[1, 0, 0, 0])
    (pause, *_) = [step.pause for step in run(Policy(Gate("entropy", 0.5), Rerank(), argmax), lm) if step.pause]
    assert [candidate.text for candidate in pause.candidates] == ["aa", "é"]


def test_a_person_is_asked_with_the_text_so_far():
    asked = []
    lm = TableLM({(): [0, 1, 0, 0], (1,): [0, 0.5, 0.5, 0]}, default=[1, 0, 0, 0])
    ask = Ask(lambda text, candidates: asked.append((text, [c.text for c in candidates])) or [])
    run(Policy(Gate("entropy", 0.5), ask, argmax), lm)
    assert asked == [("a", ["a", ""])]


def test_without_a_stream_the_text_stays_empty():
    assert Completion().append(1) == Completion((1,))


BYTES = {kind: byte_fallback_tokenizer(kind) for kind in ("llama-2", "gemma", "metaspace")}
tokens_with_bytes = st.lists(
    st.one_of(
        st.integers(0, 266), st.integers(258, 266), st.sampled_from([2 + byte for byte in (10, 0xC3, 0xA9, 0xF0)])
    ),
    max_size=12,
)


def joined(tokenizer: Tokenizer, prompt: list[int], tokens: list[int]) -> str:
    stream, text = TokenStream.after(tokenizer, prompt), ""
    for token in tokens:
        stream, piece = stream.feed(token)
        text += piece
    return text


@pytest.mark.parametrize("kind", BYTES)
@LAW
@given(tokens=tokens_with_bytes)
def test_stray_bytes_end_nothing_and_the_rest_is_what_the_tokens_mean(kind, tokens):
    """Where all tokens together decode to replacement characters, the pieces may hold what was readable before."""
    prompt = [BYTES[kind].token_to_id("x")]
    text = joined(BYTES[kind], prompt, tokens)
    whole = BYTES[kind].decode([*prompt, *tokens]).removeprefix("x")
    parts = [re.escape(part) for part in re.split("\ufffd+", whole)]
    assert re.fullmatch("(?s:.*)".join(parts), text + ("\ufffd" if whole.endswith("\ufffd") else ""))


def test_a_byte_that_unmakes_a_newline_leaves_it_and_a_replacement_character():
    tokenizer = BYTES["llama-2"]
    newline, stray, accent = (tokenizer.token_to_id(f"<0x{byte}>") for byte in ("0A", "F0", "C3"))
    letter, spaced = tokenizer.token_to_id("x"), tokenizer.token_to_id("\u2581a")
    assert joined(tokenizer, [letter], [newline, stray, letter]) == "\n\ufffdx"
    assert joined(tokenizer, [letter], [newline, stray, spaced, newline]) == "\n\ufffd a\n"
    assert joined(tokenizer, [letter], [newline, accent, tokenizer.token_to_id("<0xA9>")]) == "\n\u00e9"
