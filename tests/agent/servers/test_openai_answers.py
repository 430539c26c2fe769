"""Answers are what the model writes: whole or streamed, with stops, logprobs, choices, doubts and claims."""

import itertools
import math

import openai
import pytest
from fakes import ScriptedSandbox
from serving import served, serving
from trie import PLAIN_CHAT, TrieLM

from agent.decoding import POLICIES
from agent.lm.fim import FIM_TOKENS
from sandbox.base import Verdict

ANSWER = "Here:\n```python\ndef f(x):\n    return x + 1\n```\nDone."
OTHER = "Here:\n```python\ndef f(x):\n    yield x\n```\nDone."


@pytest.fixture(scope="module")
def chat():
    """A chat model that knows one answer, and doubts one token of it."""
    lm = TrieLM({ANSWER: 0.6, OTHER: 0.4})
    with serving(served(lm.model(style=PLAIN_CHAT), policy=doubting())) as server:
        yield server.client()


def doubting():
    from dataclasses import replace

    policy = POLICIES["adadec"]
    return replace(policy, gate=replace(policy.gate, threshold=0.5))


def say(client, *contents, model="trie", **options):
    roles = itertools.cycle(("user", "assistant"))
    messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]
    return client.chat.completions.create(model=model, messages=messages, **options)


def test_a_stream_says_what_the_whole_answer_says(chat):
    whole = say(chat, "Write f.")
    chunks = list(say(chat, "Write f.", stream=True, stream_options={"include_usage": True}))
    assert whole.choices[0].message.content == ANSWER
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == ANSWER
    assert len(chunks) > 20, "it comes piece by piece"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 2) + ["stop"]
    assert chunks[-2].choices[0].dubito == whole.choices[0].dubito
    assert chunks[-1].usage == whole.usage and chunks[-1].choices == []
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert whole.usage.completion_tokens == len(ANSWER) + 1
    assert whole.usage.prompt_tokens == len("<user>Write f.")


def test_a_stream_without_the_wish_tells_no_usage(chat):
    chunks = list(say(chat, "Write f.", stream=True))
    assert all(chunk.choices for chunk in chunks)


def test_a_doubt_has_its_place_its_alternatives_and_the_pause_that_settled_it(chat):
    record = say(chat, "Write f.").choices[0].dubito
    assert record["policy"].startswith("adadec@") and record["pauses"] == 1
    assert record["claim"] is None and record["probability"] is None, "nothing was run"
    (span,) = record["spans"]
    assert ANSWER[span["start"] : span["end"]] == span["text"] == "r" and ANSWER[span["start"] :].startswith("return")
    assert span["probability"] == pytest.approx(0.6)
    assert [(each["text"], round(each["probability"], 6)) for each in span["alternatives"]] == [("y", 0.4)]
    assert span["pause"]["reason"] == "entropy 0.67 >= 0.50" and span["pause"]["resolver"] == "rerank"
    assert [each["text"][0] for each in span["pause"]["candidates"]] == ["r", "y"]


def test_tokens_that_are_drawn_are_drawn_at_doubts_too_and_the_doubts_are_told(chat):
    texts = {say(chat, "Write f.", temperature=1.0, seed=seed).choices[0].message.content for seed in range(12)}
    assert texts == {ANSWER, OTHER}
    drawn = say(chat, "Write f.", temperature=1.0, seed=3).choices[0].dubito
    assert (drawn["policy"], drawn["seed"], drawn["pauses"]) == ("sample", 3, 0)
    assert [span["pause"] for span in drawn["spans"]] == [None]
    cold = {say(chat, "Write f.", temperature=0.01).choices[0].message.content for _ in range(5)}
    assert cold == {ANSWER}


def test_choices_differ_by_their_seeds_and_are_the_same_for_the_same_seed(chat):
    once, again = (say(chat, "Write f.", temperature=1.0, seed=5, n=8) for _ in range(2))
    texts = [choice.message.content for choice in once.choices]
    assert [choice.index for choice in once.choices] == list(range(8)) and set(texts) == {ANSWER, OTHER}
    assert texts == [choice.message.content for choice in again.choices]
    streamed = [""] * 8
    for chunk in say(chat, "Write f.", temperature=1.0, seed=5, n=8, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert streamed == texts
    seeds = {say(chat, "Write f.", temperature=1.0).choices[0].dubito["seed"] for _ in range(3)}
    assert len(seeds) == 3, "without a seed, each request has its own"


def test_logprobs_are_the_models_own_and_stand_with_their_text(chat):
    whole = say(chat, "Write f.", logprobs=True, top_logprobs=2).choices[0].logprobs.content
    assert "".join(token.token for token in whole) == ANSWER
    doubtful = whole[ANSWER.index("return")]
    assert doubtful.logprob == pytest.approx(math.log(0.6))
    assert [(way.token, way.bytes) for way in doubtful.top_logprobs] == [("r", [114]), ("y", [121])]
    assert all(token.logprob == pytest.approx(0) for token in whole if token is not doubtful)
    chunks = say(chat, "Write f.", logprobs=True, top_logprobs=2, stream=True)
    streamed = [token for chunk in chunks if chunk.choices[0].logprobs for token in chunk.choices[0].logprobs.content]
    assert streamed == whole
    assert say(chat, "Write f.").choices[0].logprobs is None
    assert say(chat, "Write f.", logprobs=True).choices[0].logprobs.content[0].top_logprobs == []


@pytest.mark.parametrize("stop", ["return", ["nowhere", "return"], ["turn", "return"], [" return x + 9", "return"]])
def test_an_answer_ends_before_a_stop_and_no_part_of_it_is_streamed(chat, stop):
    wanted = ANSWER[: ANSWER.index("return")]
    whole = say(chat, "Write f.", stop=stop, logprobs=True)
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == (wanted, "stop")
    assert "".join(token.token for token in whole.choices[0].logprobs.content) == wanted
    chunks = say(chat, "Write f.", stop=stop, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == wanted


def test_what_only_looks_like_a_stop_is_given_in_the_end(chat):
    chunks = say(chat, "Write f.", stop=["Done. And more"], stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_answer_ends_at_its_most_tokens(chat, name):
    short = say(chat, "Write f.", **{name: 7})
    assert (short.choices[0].message.content, short.choices[0].finish_reason) == (ANSWER[:7], "length")
    assert short.usage.completion_tokens == 7


def test_the_model_reads_all_messages_and_a_developers_as_the_systems():
    lm = TrieLM({"Yes.": 1.0})
    with serving(served(lm.model(style=PLAIN_CHAT, opening="<assistant>"))) as server:
        parts = [{"type": "text", "text": "Two "}, {"type": "text", "text": "parts"}]
        contents = [("developer", "Be brief."), ("user", "Hello"), ("assistant", None), ("user", parts)]
        messages = [{"role": role, "content": content} for role, content in contents]
        answer = server.client().chat.completions.create(model="trie", messages=messages)
        assert answer.choices[0].message.content == "Yes."
    assert {"".join(map(chr, prompt)) for prompt in lm.prompts} == {
        "<system>Be brief.<user>Hello<assistant><user>Two parts<assistant>"
    }


def test_several_prompts_get_their_choices_in_order(chat):
    answer = chat.completions.create(model="trie", prompt=["# a", "# bc"], n=2, temperature=1.0, seed=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3] and answer.usage.prompt_tokens == 7
    assert {choice.text for choice in answer.choices} <= {ANSWER, OTHER}


def test_logprobs_of_a_text_are_lists_beside_each_other(chat):
    choice = chat.completions.create(model="trie", prompt="# a", logprobs=1).choices[0]
    assert "".join(choice.logprobs.tokens) == choice.text == ANSWER
    assert choice.logprobs.text_offset == list(range(len(ANSWER)))
    at = ANSWER.index("return")
    assert choice.logprobs.top_logprobs[at] == pytest.approx({"r": choice.logprobs.token_logprobs[at]})


def test_a_gap_is_filled_where_the_model_has_marks_for_it():
    from dataclasses import replace

    lm = TrieLM({"return x": 1.0})
    model = lm.model()
    with serving(served(replace(model, tokenizer=replace(model.tokenizer, fim=FIM_TOKENS)))) as server:
        filled = server.client().completions.create(model="trie", prompt="def f(x):\n    ", suffix="\n\nf(1)")
        assert filled.choices[0].text == "return x"
    assert FIM_TOKENS.prompt("def f(x):\n    ", "\n\nf(1)") in {"".join(map(chr, prompt)) for prompt in lm.prompts}
    with serving(served(lm.model())) as server, pytest.raises(openai.BadRequestError, match="no fill-in-the-middle"):
        server.client().completions.create(model="trie", prompt="def f(x):\n    ", suffix="\n\nf(1)")


BODY = "\n    return x + 1\n\n\nprint(f(1))\n"
STUB = 'def f(x):\n    """Add one."""'


def test_a_base_model_completes_the_function_of_the_last_request_and_no_more():
    lm = TrieLM({BODY: 1.0})
    wanted = f"```python\n{STUB}\n    return x + 1\n```"
    with serving(served(lm.model())) as server:
        for content in (STUB, f"Complete this:\n```python\n{STUB}\n```\nThanks."):
            assert say(server.client(), content).choices[0].message.content == wanted
            chunks = list(say(server.client(), content, stream=True))
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == wanted
        with pytest.raises(openai.BadRequestError, match="the last message has to be a user's"):
            say(server.client(), "Hello", "Hi")


PROGRAM = f"{STUB}\n    return x + 1\n"


@pytest.fixture
def solver():
    box = ScriptedSandbox(value=2)
    with serving(served(TrieLM({BODY: 1.0}).model(), sandbox=box)) as server:
        yield server.client(), box


def test_the_whole_workflow_gives_a_program_that_ran_and_its_claim(solver):
    client, box = solver
    asked = f'{STUB[:-3]}\n\n    >>> f(1)\n    2\n    """'
    answer = say(client, asked, model="trie:solve")
    content, record = answer.choices[0].message.content, answer.choices[0].dubito
    program = f"{asked}\n    return x + 1\n\n"
    assert content.startswith(f"```python\n{program.rstrip()}\n```\n\n✓ verified: the program passed 1 example")
    assert (record["claim"], record["probability"], record["program"]) == ("verified", None, program)
    assert record["evidence"]["examples"] == 1 and record["cost"]["sandbox_runs"] == len(box.programs) > 0
    assert answer.usage.completion_tokens == record["cost"]["tokens"] > 0 and answer.usage.prompt_tokens == len(asked)
    chunks = list(say(client, asked, model="trie:solve", stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == content
    assert chunks[-1].choices[0].dubito["claim"] == "verified"


def test_an_abstention_gives_no_block_that_a_tool_could_apply():
    box = ScriptedSandbox(lambda program: Verdict.FAILED)
    with serving(served(TrieLM({BODY: 1.0}).model(), sandbox=box)) as server:
        choice = say(server.client(), STUB, model="trie:solve").choices[0]
    assert choice.message.content.startswith("✗ abstained: ") and "```" not in choice.message.content
    assert (choice.dubito["claim"], choice.dubito["spans"]) == ("abstained", [])
    assert "return x + 1" in choice.dubito["program"]


def test_a_follow_up_changes_the_program_of_the_conversation():
    lm = TrieLM({"\n    return x + 2\n": 1.0})
    box = ScriptedSandbox(value=None)
    with serving(served(lm.model(), sandbox=box)) as server:
        say(server.client(), STUB, f"```python\n{PROGRAM}```\n\n? unverified", "Add two instead.", model="trie:solve")
    (prompt,) = {text for text in ("".join(map(chr, each)) for each in lm.prompts) if "Change the program" in text}
    assert PROGRAM in prompt and "Change the program: Add two instead." in prompt


def test_a_question_about_the_program_is_answered_in_words_by_a_chat_model():
    lm, box = TrieLM({"It adds one.": 1.0}), ScriptedSandbox()
    with serving(served(lm.model(style=PLAIN_CHAT), sandbox=box)) as server:
        answer = say(server.client(), STUB, f"```python\n{PROGRAM}```", "What does it do?", model="trie:solve")
    assert answer.choices[0].message.content == "It adds one." and answer.choices[0].dubito["claim"] is None
    assert box.programs == []


@pytest.mark.parametrize("option", [{"n": 2}, {"logprobs": True}])
def test_the_workflow_refuses_what_it_cannot_give(solver, option):
    client, _ = solver
    with pytest.raises(openai.BadRequestError, match="gives one program, and no logprobs"):
        say(client, STUB, model="trie:solve", **option)
    with pytest.raises(openai.BadRequestError, match="answers chats alone"):
        client.completions.create(model="trie:solve", prompt=STUB)


def test_without_a_sandbox_there_is_no_name_that_runs_programs(chat):
    assert [model.id for model in chat.models.list()] == ["trie"]
    with pytest.raises(openai.NotFoundError) as refused:
        say(chat, "Write f.", model="trie:solve")
    assert refused.value.code == "model_not_found" and "choose trie" in refused.value.message
