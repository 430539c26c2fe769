"""Chat templates: what they make of a request, whether a model is asked in turns, and what a hostile one can do."""

import ast
import multiprocessing
import warnings

import pytest
from text_model import byte_tokenizer

from agent.errors import ModelLoadError
from agent.lm.base import Message
from agent.lm.hf import template as renderer
from agent.lm.hf.chat import choose_style, render_conversation, render_request
from agent.lm.hf.tokenizer import HFTokenizer

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA_2 = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'].strip() + ' [/INST]' }}{% else %}{{ ' ' + message['content'] + eos_token }}"
    "{% endif %}{% endfor %}"
)
RICH = (
    "{%- set ns = namespace(last=-1, self=1) -%}{%- set seen = dict(a=1) -%}\n"
    "{%- for message in messages -%}{%- if message.role == 'tool' %}{% continue %}{% endif %}\n"
    "    {%- set ns.last = loop.index0 -%}\n"
    "    {% generation %}{{- message | tojson }}{% endgeneration %}\n"
    "{%- endfor %}\n{{ ns.last }} {{ seen.a }} {{ strftime_now('%Y') }} {{ dict.fromkeys('ab') }}\n"
    "{%- if tools is none and not documents %} plain{% endif %}"
)
ALPACA = "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}\n{% endfor %}### assistant:\n"


def tokenizer_with(template, *, eos="<end>", added=("<|im_start|>", "<|im_end|>")):
    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": list(added), "bos_token": "<s>"})
    tokenizer.eos_token = eos
    tokenizer.chat_template = template
    return tokenizer


def in_turns(tokenizer, *, wanted="auto", ends=("<end>",)):
    return choose_style(wanted, tokenizer, frozenset(tokenizer.convert_tokens_to_ids(list(ends)))).chat


def test_an_answer_is_not_begun_inside_a_thought_that_the_template_opens():
    thinking = CHATML.replace("<|im_start|>assistant\n", "<|im_start|>assistant\n<think>\n")
    ends = frozenset(tokenizer_with(CHATML).convert_tokens_to_ids(["<|im_end|>"]))
    opening, after_thought = (choose_style("dubito", tokenizer_with(each), ends) for each in (CHATML, thinking))
    assert opening.open and opening.code.opening and opening.sentence.opening
    assert (after_thought.open, after_thought.code.opening, after_thought.sentence.opening) == (None, "", "")
    assert after_thought.code.user == opening.code.user


@pytest.mark.parametrize("template", [CHATML, LLAMA_2, RICH, ALPACA])
def test_a_template_makes_the_text_that_transformers_makes(template):
    tokenizer = tokenizer_with(template)
    turns = [{"role": "user", "content": 'def f(x):\n    """Add "one" – ok?"""\n  '}]
    wanted = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    assert render_request(tokenizer, turns[0]["content"]) == wanted
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    assert HFTokenizer(tokenizer, frozenset({0}), len(tokenizer)).chat(turns[0]["content"]) == ids


@pytest.mark.parametrize(
    ("template", "ends", "turns"),
    [
        (CHATML, ("<end>", "<|im_end|>"), True),  # an instruct model ends with its template's own token
        (CHATML, ("<end>",), False),  # a base model that carries its sibling's template
        (LLAMA_2, ("<end>",), True),  # the end of a turn is the end of a text
        (ALPACA, ("<end>",), True),  # the template says nothing of ends
        ("{% if messages[1] %}{{ raise_exception('one turn') }}{% endif %}{{ messages[0].content }}", ("<end>",), True),
        (None, ("<end>",), False),
    ],
)
def test_a_model_is_asked_in_turns_where_its_template_ends_an_answer_as_the_model_ends_a_text(template, ends, turns):
    assert in_turns(tokenizer_with(template), ends=ends) is turns


def test_a_style_that_is_asked_for_decides_by_itself():
    base = tokenizer_with(CHATML)
    assert in_turns(base, wanted="qwen") is True
    assert in_turns(base, wanted="completion", ends=("<|im_end|>",)) is False
    needs = "has no chat template, and the prompt style evalplus needs one; ask with the prompt style completion"
    with pytest.raises(ModelLoadError, match=needs):
        in_turns(tokenizer_with(None), wanted="evalplus")


@pytest.mark.parametrize("template", [CHATML, LLAMA_2, ALPACA])
def test_what_an_answer_begins_with_stands_where_the_template_puts_answers(template):
    tokenizer = tokenizer_with(template)
    turns = [{"role": "user", "content": "Add."}, {"role": "assistant", "content": "Sure:\n```python\n"}]
    wanted = tokenizer.apply_chat_template(turns, tokenize=False, continue_final_message=True)
    assert render_request(tokenizer, "Add.", opening="Sure:\n```python\n") == wanted


def test_an_answer_begins_behind_its_opening_where_the_template_takes_no_answers():
    one_turn = "{% if messages[1] %}{{ raise_exception('one turn') }}{% endif %}{{ messages[0].content }} =>"
    assert render_request(tokenizer_with(one_turn), "Add.", opening=" def") == "Add. => def"


def test_a_system_prompt_stands_before_the_request_where_the_template_has_no_place_for_it():
    assert "<|im_start|>system\nBe terse.<|im_end|>" in render_request(
        tokenizer_with(CHATML), "Add.", system="Be terse."
    )
    for template in (LLAMA_2, "{{ messages[-1].content }}"):
        assert "Be terse.\n\nAdd." in render_request(tokenizer_with(template), "Add.", system="Be terse.")


TALK = [Message("user", "Add."), Message("assistant", "Sure."), Message("user", "Now subtract.")]


@pytest.mark.parametrize("template", [CHATML, LLAMA_2, RICH, ALPACA])
def test_a_conversation_is_the_text_that_transformers_makes(template):
    tokenizer = tokenizer_with(template)
    turns = [each._asdict() for each in TALK]
    wanted = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    assert render_conversation(tokenizer, TALK) == wanted
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    assert HFTokenizer(tokenizer, frozenset({0}), len(tokenizer)).converse(TALK) == ids


def test_the_first_system_messages_are_one_system_prompt_or_stand_before_the_first_turn():
    talk = [Message("system", "Be terse."), Message("system", "Be kind."), *TALK]
    assert "<|im_start|>system\nBe terse.\n\nBe kind.<|im_end|>" in render_conversation(tokenizer_with(CHATML), talk)
    assert "[INST] Be terse.\n\nBe kind.\n\nAdd. [/INST]" in render_conversation(tokenizer_with(LLAMA_2), talk)
    assert "Be terse." in render_conversation(tokenizer_with(LLAMA_2), talk[:1]), "nobody else says anything"


def test_a_conversation_that_a_template_refuses_is_said_in_one_sentence():
    with pytest.raises(ModelLoadError, match="roles must alternate"):
        render_conversation(tokenizer_with(LLAMA_2), [*TALK, Message("user", "And?")])


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for m in messages %}{{ m.content }}", "cannot be rendered .TemplateSyntaxError: Unexpected end"),
        ("{{ messages[0].content.nothing.more }}", "cannot be rendered .UndefinedError"),
        ("{{ raise_exception('no \x1b[2J') }}", r"cannot be rendered .TemplateError: no \?\[2J"),
        ("{{ messages[0].content * 40000000000 }}", "MemoryError|too much time or memory|MiB of memory"),
        ("{{ 'x' * 40000000000 }}", "too much time or memory|MiB of memory"),
        ("{% if 2 ** 99999999999 %}{% endif %}", "too much time or memory|MiB of memory|OverflowError"),
        ("{{ 'x' * 9000000 }}", "it makes 9000000 characters"),
        ("{{ messages[0].__class__ }}{{ lipsum.__globals__['os'].getpid() }}", "SecurityError"),
        ("{% set n = namespace(__class__=1) %}", "SecurityError"),
        ("{{ '{' * 100000 }}{{" + "(" * 5000, "cannot be rendered|too much time or memory"),
        ("nothing of what was asked", "leaves out what it is asked"),
        ("", "has no chat template"),
        ([{"name": "rag", "template": ALPACA}], "several chat templates"),
        (
            {"rag": ALPACA, "tool_use": ALPACA},
            r"several chat templates .rag, tool_use. and none of them is the default",
        ),
        (7, "several chat templates"),
    ],
)
def test_a_template_that_does_not_work_is_said_in_one_sentence(template, reason):
    with pytest.raises(ModelLoadError, match=reason) as error:
        in_turns(tokenizer_with(template), wanted="dubito")
    assert "\n" not in str(error.value) and "completion" in str(error.value)
    assert in_turns(tokenizer_with(template), wanted="completion") is False


def test_one_that_is_the_default_among_several_is_taken():
    assert render_request(tokenizer_with({"default": ALPACA, "rag": CHATML}), "x") == "### user:\nx\n### assistant:"


ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


def test_a_template_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(renderer, "_SECONDS", 0.3)  # the processor's time is bounded as well, and later
    with pytest.raises(ModelLoadError, match="takes too much time or memory"):
        render_request(tokenizer_with(ENDLESS), "x")


def test_an_interrupted_rendering_answers_no_later_request(monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(renderer, "_ask", interrupt)
    with pytest.raises(KeyboardInterrupt):
        render_request(tokenizer_with(ALPACA), "old")
    monkeypatch.undo()
    assert renderer._renderer._child is None
    assert render_request(tokenizer_with(ALPACA), "new") == "### user:\nnew\n### assistant:"


def test_a_fork_renders_in_a_child_of_its_own_and_ends_none_of_ours():
    render_request(tokenizer_with(ALPACA), "before")
    ours = renderer._renderer._child
    fork = multiprocessing.get_context("fork").Process(target=render_request, args=(tokenizer_with(ALPACA), "fork"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # this process may have threads
        fork.start()
    fork.join(20)
    assert fork.exitcode == 0
    assert render_request(tokenizer_with(ALPACA), "after") and renderer._renderer._child is ours


@pytest.fixture
def child_of(tmp_path, monkeypatch):
    """Return a function that lets another program render."""

    def replace_child(code):
        child = tmp_path / "child.py"
        child.write_text(code)
        monkeypatch.setattr(renderer, "_CHILD", child)
        renderer.render_template.cache_clear()
        renderer._renderer.close()
        monkeypatch.chdir(tmp_path)

    yield replace_child
    renderer.render_template.cache_clear()
    renderer._renderer.close()


def test_one_process_renders_many_requests_and_a_new_one_follows_one_that_was_stopped(monkeypatch):
    render_request(tokenizer_with(ALPACA), "one")
    first = renderer._renderer._child
    render_request(tokenizer_with(ALPACA), "another")
    assert renderer._renderer._child is first
    monkeypatch.setattr(renderer, "_SECONDS", 0.3)
    with pytest.raises(ModelLoadError, match="takes too much time or memory"):
        render_request(tokenizer_with(ENDLESS), "another")
    monkeypatch.undo()
    assert render_request(tokenizer_with(ALPACA), "one more") == "### user:\none more\n### assistant:"


def test_a_renderer_that_fails_is_not_called_slow(child_of):
    child_of("import no_such_jinja")
    with pytest.raises(
        ModelLoadError, match="its renderer failed: ModuleNotFoundError: No module named 'no_such_jinja'"
    ):
        render_request(tokenizer_with(ALPACA), "x")
    child_of("raise SystemExit(7)")
    with pytest.raises(ModelLoadError, match="its renderer failed: exit code 7"):
        render_request(tokenizer_with(ALPACA), "x")
    child_of("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(ModelLoadError, match="takes too much time or memory"):
        render_request(tokenizer_with(ALPACA), "x")


def test_the_renderer_sees_the_users_packages_and_nothing_of_the_current_folder(child_of, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code = "import json, site, sys; print(json.dumps({'text': repr([sys.path, sys.flags.no_user_site])}))"
    child_of(code)
    path, no_user_site = ast.literal_eval(render_request(tokenizer_with(ALPACA), "x"))
    assert no_user_site == 0 and not {"", ".", str(tmp_path)} & set(path)
