"""The style `evalplus` is evalplus': the same prompt, the same stops, the same completion."""

import shutil
from itertools import islice
from types import SimpleNamespace

import pytest
from data import HUMANEVAL_PLUS, MBPP_PLUS, needs_data
from text_model import byte_model
from trie import TrieLM

from agent.lm import open_lm
from agent.lm.hf.chat import render_request
from agent.lm.names import find_embedded_model
from agent.program.prompts import write_prompt
from benchmarks.base import Problem
from benchmarks.evalplus import human_eval, mbpp
from benchmarks.experiments.evalplus_codegen import (
    MENDED,
    STYLE,
    compare_completions,
    comparison_table,
    complete_ours,
    count_completions,
    open_evalplus,
    read_prefixes,
)

pytestmark = pytest.mark.filterwarnings("ignore::Warning")  # evalplus' own, of several libraries
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PROMPTS = ('\n\ndef f(x):\n    """Add one.\n    >>> f(1)\n    2\n    """\n', '"""Add one.\nassert f(1) == 2\n"""\n')


@pytest.fixture(scope="module")
def utility():
    return pytest.importorskip("evalplus.provider.utility", reason="needs evalplus (pip install 'dubito[bench]')")


def problem(prompt: str, name: str = "HumanEval/0") -> Problem:
    return Problem(name, prompt, "f", "    return x + 1\n", (), ())


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_prompt_is_the_one_that_evalplus_writes(utility, prompt):
    tokenizer = byte_model().tokenizer.tokenizer
    tokenizer.chat_template = CHATML
    prefixes = read_prefixes()
    theirs = utility.make_raw_chat_prompt(f"{prompt.strip()}\n", *prefixes, tokenizer)
    user, opening, forbidden = write_prompt(prompt, STYLE, name="f")
    assert render_request(tokenizer, user, system=STYLE.system, opening=opening) == theirs
    assert not forbidden and all(prefixes)


def test_the_stops_are_evalplus(utility):
    assert set(STYLE.stops) == {*utility.EOS, "\n```\n"}


@needs_data
def test_the_prompts_of_both_data_sets_are_those_that_evalplus_writes(utility):
    tokenizer = byte_model().tokenizer.tokenizer
    tokenizer.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    prefixes = read_prefixes()
    for each in (*human_eval(HUMANEVAL_PLUS), *mbpp(MBPP_PLUS)):
        theirs = utility.make_raw_chat_prompt(f"{each.prompt.strip()}\n", *prefixes, tokenizer)
        user, opening, _ = write_prompt(each.prompt, STYLE, name=each.entry_point)
        assert f"<user>{user}<assistant>{opening}" == theirs, each.task_id


def test_a_completion_ends_where_evalplus_cuts_it_and_a_difference_is_explained():
    lm = TrieLM({"def f(x):\n\treturn x + 1\n\n\nprint(f(1))\n": 0.6, "def f(x):\n\treturn x\n": 0.4})
    model = lm.model(style=STYLE)

    class Decoder:
        model = SimpleNamespace()
        answer = ""

        def codegen(self, prompt: str, *, do_sample: bool, num_samples: int) -> list[str]:
            assert (prompt, do_sample, num_samples) == (f"{PROMPTS[0].strip()}\n", False, 1)
            return [self.answer]

    decoder = Decoder()
    for decoder.answer, same in (("def f(x):\n    return x + 1\n\n", True), ("def f(x):\n    return x\n", False)):
        (compared,) = compare_completions([problem(PROMPTS[0])], model, decoder, max_tokens=99, tasks=1)
        assert compared.same is same and compared.ours == "def f(x):\n    return x + 1\n\n"
    assert compared.ours[compared.differs_at :] == " + 1\n\n" and 0.3 < compared.gap < 0.5
    counts, lines = count_completions([compared]), comparison_table([compared]).splitlines()
    assert lines[0].endswith("at 0 of 1 problems") and lines[2].startswith("HumanEval/0")
    assert lines[1] == counts["mended"] == MENDED, "what is compared is not evalplus as it comes"
    assert counts["others"][0]["task_id"] == "HumanEval/0"
    steps = complete_ours(model, problem(PROMPTS[0]), max_tokens=99)
    assert "".join(step.text for step in steps).endswith("\n\n\nprint(")


@pytest.mark.model
def test_completions_are_those_of_evalplus_own_generator(utility, tmp_path):
    folder = shutil.copytree(find_embedded_model(), tmp_path / "talker")
    (folder / "chat_template.jinja").write_text(CHATML)
    problems = [problem(prompt * length, f"HumanEval/{length}") for prompt in PROMPTS[:1] for length in (1, 2)]
    decoder = open_evalplus(str(folder), "humaneval", dtype="float32", max_tokens=20)
    ours = open_lm(str(folder), weights="fp32", prompt_style="evalplus")
    compared = list(compare_completions(problems, ours, decoder, max_tokens=20, tasks=2))
    assert all(each.same and each.ours for each in compared), comparison_table(compared)


@pytest.mark.real
@needs_data
def test_a_real_model_writes_what_evalplus_own_generator_writes(utility, real_model):
    decoder = open_evalplus(real_model, "humaneval", dtype="bfloat16", max_tokens=60)
    ours = open_lm(real_model, weights="bf16", prompt_style="evalplus")
    problems = list(islice(human_eval(HUMANEVAL_PLUS), 3))
    compared = list(compare_completions(problems, ours, decoder, max_tokens=60, tasks=3))
    assert all(each.same or each.gap < 0.2 for each in compared), comparison_table(compared)
