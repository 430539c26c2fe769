"""The program is found in a chat model's answer, whatever Markdown stands around it."""
# ruff: noqa: E501 - an answer is read best on one line

import time

import pytest
from chat_answers import (
    BEFORE,
    BEHIND,
    BEHIND_FUNCTION,
    LANGUAGES,
    LAW,
    NEEDED,
    PROGRAMS,
    REQUEST,
    RIGHT,
    USES,
    WRONG,
    fenced,
    value,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.program.extraction.answers import (
    extract_open_program,
    extract_program,
    find_preamble,
    is_complete,
)
from agent.program.extraction.facts import inspect_source
from agent.program.extraction.pieces import AnswerRules
from agent.program.extraction.thoughts import find_answer_start
from agent.program.prompts import find_program, read_answer_rules
from agent.program.stop_texts import find_stop_text
from agent.program.styles import PROMPT_STYLES
from agent.program.syntax import is_open

ASKED = AnswerRules(REQUEST, "add")


@LAW
@given(BEFORE, st.sampled_from(PROGRAMS + NEEDED + BEHIND_FUNCTION), st.sampled_from(USES), st.sampled_from(LANGUAGES), BEHIND,
       st.sampled_from(["```", "````", "~~~", "~~~~~"]), st.sampled_from(["", "", " ", "   "]), st.booleans())  # fmt: skip
def test_a_right_program_in_a_block_is_found_whatever_stands_around_it(
    before, program, use, language, behind, mark, indent, crlf
):
    program += use
    if any(line.startswith(mark) for line in program.splitlines()) and language not in ("python", "py"):
        language = "python"
    answer = before + fenced(program, mark=mark, language=language, indent=indent) + behind
    answer = answer.replace("\n", "\r\n") if crlf else answer
    assert value(extract_program(answer, ASKED).source(answer)) == 3, answer


PRINTED_DRAFT = NEEDED[-1]  # every style stops at the print that stands behind a whole function


@LAW
@given(st.sampled_from([each for each in (*PROGRAMS, *NEEDED, *BEHIND_FUNCTION) if each != PRINTED_DRAFT]),
       st.sampled_from(USES), BEHIND, st.booleans())  # fmt: skip
def test_the_stops_of_the_own_style_cut_no_right_program(program, use, behind, begins):
    style = PROMPT_STYLES["dubito"]
    head = program[: program.index("\n", program.index("def add")) + 1] if begins and "def add" in program else ""
    opening = f"```python\n{head}" if is_open(head) and "List" not in head else "```python\n"
    answer, code = (
        f"{program}{use}```\n{behind}"[len(opening) - len("```python\n") :],
        head if is_open(head) else REQUEST,
    )
    code = REQUEST if "List" in code else code
    assert value(find_program(answer, style, AnswerRules(code, "add", opening=opening)).source(answer)) == 3


@LAW
@given(st.sampled_from([each for each in (*PROGRAMS, *NEEDED, *BEHIND_FUNCTION) if each != PRINTED_DRAFT]),
       st.sampled_from(USES), st.sampled_from(["qwen", "evalplus"]))  # fmt: skip
def test_the_stops_of_the_makers_styles_cut_no_right_program_that_holds_none_of_them(program, use, name):
    style, answer = PROMPT_STYLES[name], f"{program}{use}```\n"
    assume(find_stop_text(program, style.stops) is None)
    assert value(find_program(answer, style, ASKED._replace(opening="```python\n")).source(answer)) == 3


@LAW
@given(st.data(), BEFORE, st.sampled_from(PROGRAMS + NEEDED + BEHIND_FUNCTION), st.sampled_from(USES), BEHIND)
def test_a_right_program_is_found_wherever_the_answer_is_cut_off_behind_it(data, before, program, use, behind):
    whole = f"{program}{use}```\n{behind}"
    end = data.draw(st.integers(len(program), len(whole)), "cut")
    for opening in ("", f"{before}```python\n"):
        answer = whole[:end] if opening else f"{before}```python\n{whole[:end]}"
        source = extract_program(answer, ASKED._replace(opening=opening)).source(answer)
        assert value(source) == 3, (opening, answer, source)


@LAW
@given(
    st.sampled_from(PROGRAMS + NEEDED + BEHIND_FUNCTION),
    st.sampled_from(USES),
    st.sampled_from(["", "Sure!\n\n", "So:\n\n"]),
)
def test_a_right_program_is_found_without_a_fence(program, use, before):
    answer = f"{before}{program}{use}\nThis adds the numbers.\n"
    assert value(extract_program(answer, ASKED).source(answer)) == 3, answer


@LAW
@given(BEFORE, st.sampled_from(PROGRAMS), BEHIND)
def test_decoding_stops_at_a_block_that_is_the_program_and_reads_on_where_it_was_a_draft(before, program, behind):
    answer = before + fenced(program) + behind
    since, read = 0, len(answer)
    for end in range(1, len(answer) + 1):
        if answer[:end].endswith("```") and is_complete(answer[:end], ASKED, since):
            read, since = end, end
            if value(extract_program(answer[:end], ASKED).source(answer[:end])) == 3:
                break
    assert value(extract_program(answer[:read], ASKED).source(answer[:read])) == 3, answer
    assert answer[:read].endswith(program + "```"), "nothing behind the program is decoded"


FORMS = {
    "only a closing fence": f"{RIGHT}```\nThis adds.\n",
    "only an opening fence": f"```python\n{RIGHT}",
    "no fence": f"Here's the code.\n\n{RIGHT}\nThis adds. Note: it's fast\nDone\n",
    "no fence, and prose that parses": f"Answer\n{RIGHT}Done\n",
    "code tags": f"<code>\n{RIGHT}</code>\n",
    "code tags on its lines": f"<pre><code>{RIGHT.rstrip()}</code></pre>\n",
    "the tags of Code Llama": f"[PYTHON]\n{RIGHT}[/PYTHON]\n[TESTS]\n# none\n[/TESTS]\n",
    "a body": "```python\n    return sum(xs)\n```\n",
    "a body in a list": "1. So:\n   ```python\n       return sum(xs)\n   ```\n",
    "a body at the margin": "```python\ntotal = 0\n\nfor x in xs:\n    total += x\nreturn total\n```\n",
    "a body without a fence": "The body is:\n\n    return sum(xs)\n\nDone.\n",
    "a closing fence behind code": f"```python\n{RIGHT.rstrip()}```\nThis adds.\n",
    "no closing fence before the next block": f"```python\n{RIGHT}```bash\npython add.py\n```\n",
    "another closing fence": f"```python\n{RIGHT}``\n```\n",
    "in a quote": "> ```python\n" + "".join(f"> {line}\n" for line in RIGHT.splitlines()) + "> ```\n",
    "behind a list's mark": "- ```python\n" + "".join(f"  {line}\n" for line in RIGHT.splitlines()) + "  ```\n",
    "in a deep list": "1. a\n   - b\n\n" + fenced(RIGHT, indent="       "),
    "with a margin": "```python\n" + "".join(f"    {line}\n" for line in RIGHT.splitlines()) + "```\n",
    "in a block of Markdown": f"````markdown\nSo:\n```python\n{RIGHT}```\n````\n",
    "in a block of Markdown with like fences": f"```markdown\nSo:\n```python\n{RIGHT}```\n```\n",
    "as another language": f"```go\n{RIGHT}```\n",
    "behind text": f"Sure! ```python\n{RIGHT}```\nDone.\n",
    "a helper in another block": f"```python\ndef helper(x):\n    return x\n```\n{fenced('def add(xs):' + chr(10) + '    return sum(map(helper, xs))' + chr(10))}",
    "a helper in a later block": "```python\ndef add(xs):\n    return helper(xs)\n```\nand\n```python\ndef helper(xs):\n    return sum(xs)\n```\n",
    "a draft with the imports": "```python\nimport math\ndef add(xs):\n    return 0\n```\n```python\ndef add(xs):\n    return int(math.fsum(xs))\n```\n",
    "an import from the future behind others": "```python\nimport functools\n```\n```python\nfrom __future__ import annotations\ndef add(xs: List):\n    return functools.reduce(int.__add__, xs)\n```\n",
    "a broken draft": '```python\ndef add(xs):\n    """Add.\n```\nOnce more:\n' + fenced('def add(xs):\n    """Add."""\n    return sum(xs)\n'),
    "two drafts": fenced(WRONG) + fenced(WRONG) + fenced(RIGHT),
    "a thought that the prompt opened": f"Maybe\n{fenced(WRONG)}\n</think>\n\n{fenced(RIGHT)}",
    "a thought with a later draft": f"<think>\n{fenced(RIGHT)}\n</think>\n{fenced(RIGHT)}",
    "two thoughts": f"<think>a</think>\n<think>\n{fenced(WRONG)}</think>\n{fenced(RIGHT)}",
    "a thought and no fence": f"<think>\n{WRONG}</think>\n{RIGHT}",
    "a thought in brackets": f"[THINK]{fenced(WRONG)}[/THINK]{fenced(RIGHT)}",
    "a program that prints the end of a thought": fenced(RIGHT + 'print("</think>")\n'),
    "form feeds and tabs": "```python\n\x0cdef add(xs):\n\treturn sum(xs)\n```\n",
}  # fmt: skip


@pytest.mark.parametrize("answer", FORMS.values(), ids=FORMS.keys())
def test_the_program_is_found_where_an_answer_has_it_in_some_other_form(answer):
    assert value(extract_program(answer, ASKED).source(answer)) == 3


def test_a_thought_that_has_not_ended_holds_no_program():
    answer = f"<think>\n{fenced(RIGHT)}"
    assert find_answer_start(answer) is None and extract_program(answer, ASKED).parts == ()
    thinking = ASKED._replace(thinking=True)
    assert not is_complete(fenced(RIGHT).rstrip(), thinking) and is_complete(fenced(RIGHT).rstrip(), ASKED)
    assert extract_open_program(f"```python\n{RIGHT}", thinking) is None
    assert is_complete(f"{fenced(WRONG)}</think>\n{fenced(RIGHT).rstrip()}", thinking)


@pytest.mark.parametrize(
    "first", ["", "import math\n", "add([1])\n", "x = 1\n", "def ad(xs):\n", "def add(xs):\n    return (\n"]
)
def test_a_block_that_is_not_the_program_stops_nothing(first):
    assert not is_complete(f"So:\n```python\n{first}```", ASKED)
    assert not is_complete(f"So:\n```bash\n{RIGHT}```\nDone", ASKED)


def test_a_program_that_lacks_a_name_is_read_on_and_one_that_the_request_gives_lacks_none():
    assert is_complete(f"```python\n{RIGHT}```", ASKED)
    assert not is_complete(f"```python\n{RIGHT}```", AnswerRules("", "add"))
    assert not is_complete("```python\ndef add(xs):\n    return helper(xs)\n```", ASKED)


def test_what_the_request_has_above_its_function_is_put_before_an_answer_that_lacks_it():
    request = 'import math\n\n\ndef half(x):\n    return x / 2\n\n\n@staticmethod\ndef f(x):\n    """Quarter."""\n'
    above = "import math\n\n\ndef half(x):\n    return x / 2\n\n\n"
    assert (
        find_preamble(request, "f") == above and find_preamble(request, "g") == find_preamble("no Python (", "f") == ""
    )
    short, whole = (
        fenced("def f(x):\n    return half(half(x))\n"),
        fenced("def half(x):\n    return x / 2\ndef f(x): ...\n"),
    )
    assert extract_program(short, AnswerRules(request, "f")).source(short).startswith(above)
    assert extract_program(whole, AnswerRules(request, "f")).source(whole).startswith("def half")
    starred = AnswerRules("from math import *\n\n\ndef f(x):\n", "f")
    answer = fenced("def f(x):\n    return sqrt(x)\n")
    assert extract_program(answer, starred).source(answer).startswith("from math import *") and is_complete(
        answer, starred
    )


def test_of_a_class_that_was_asked_for_a_demonstration_is_no_part_either():
    request = 'class Stack:\n    """A stack."""\n\n    def push(self, x):\n        """Add x."""\n'
    whole = "class Stack:\n    def push(self, x):\n        self.items = [x]\n"
    answer = fenced(f"{whole}\nstack = Stack()\nprint(stack.pop())\n")
    assert extract_program(answer, read_answer_rules(request, None)).source(answer).rstrip() == whole.rstrip()
    assert "pop" in extract_program(answer, AnswerRules("")).source(answer), "a sentence may have asked for it"


STUBS = 'def f(x):\n    """Add 1."""\n\n\ndef g(x):\n    """Add 2."""\n'
F, G = "def f(x):\n    return x + 1\n", "def g(x):\n    return x + 2\n"


@pytest.mark.parametrize("blocks", [(F, G), (G, F), (F + G,)])
def test_each_function_that_the_request_leaves_to_write_is_taken_from_the_block_that_writes_it(blocks):
    answer, rules = "So:\n".join(map(fenced, blocks)), read_answer_rules(STUBS, None)
    names: dict[str, object] = {}
    exec(extract_program(answer, rules).source(answer), names)
    assert (names["f"](1), names["g"](1)) == (2, 3)
    assert is_complete(answer.rstrip(), rules) and (len(blocks) == 1 or not is_complete(fenced(blocks[0]), rules))


def test_where_nobody_gave_a_name_the_functions_of_all_blocks_are_the_program():
    answer = f"{fenced(F)}And g:\n{fenced(G)}Or so:\n{fenced(F.replace('1', '1.0'))}"
    names: dict[str, object] = {}
    exec(extract_program(answer, read_answer_rules("Write f and g.", None)).source(answer), names)
    assert (names["f"](1), names["g"](1)) == (2.0, 3)


def test_a_helper_above_a_class_that_is_asked_for_is_not_asked_for():
    request = 'def helper(x):\n    return x\n\n\nclass Foo:\n    """Doubles."""\n'
    body = "    def double(self, x):\n        return K * helper(x)\n\n\nK = helper(2)\n"
    rules = read_answer_rules(request, None, f"```python\n{request}")
    assert extract_program(f"{body}```", rules).source(f"{body}```") == request + body
    rules, answer = read_answer_rules(request, None, "```python\n"), f"{request.partition(chr(10) * 3)[2]}{body}```"
    assert is_complete(answer, rules)
    assert extract_program(answer, rules).source(answer).count("Doubles") == 1


def test_where_nobody_gave_a_name_the_the_program_is_what_defines_something_and_is_no_test_of_it():
    answer = fenced("print(1)\n") + fenced(RIGHT) + fenced("def test_add():\n    assert add([1]) == 1\n")
    asked = AnswerRules("", None)
    assert extract_program(answer, asked).source(answer) == RIGHT
    only = fenced("def test_add():\n    assert 1\n")
    assert extract_program(only, asked).source(only).startswith("def test_add")


def test_an_open_block_is_the_program_in_progress():
    assert extract_open_program("So:\n```python\ndef add(xs):\n    ret", ASKED) == "def add(xs):\n    ret"
    assert extract_open_program("So:\n```python\n    return 1\n", ASKED) == f"{REQUEST.rstrip()}\n    return 1\n"
    assert extract_open_program("So:\n```bash\npip", ASKED) is extract_open_program("So:\n", ASKED) is None
    assert extract_open_program(fenced(RIGHT), ASKED) is None


def test_each_token_gets_its_place_in_a_program_of_several_pieces():
    answer = "Ok\n```py\r\nfrom __future__ import annotations\r\nx = 1\r\n```\n ```py\n def add(xs: List):\n  return x + add\n ```\n"
    piece = extract_program(answer, ASKED)
    source = piece.source(answer)
    assert source.startswith("from __future__") and REQUEST.splitlines()[0] in source and "\r" not in source
    starts = list(range(0, len(answer), 2))
    offsets = piece.offsets(starts, len(answer))
    for start, offset in zip(starts, offsets, strict=True):
        token = answer[start : start + 2]
        assert offset is None or source[offset] in token
    assert len({offset for offset in offsets if offset is not None}) > 30
    assert answer[: piece.end].endswith("x + add\n")


@pytest.mark.parametrize(
    "source", ["x = \x00", "x = '\ud800'", "(" * 5000, "-" * 100_000 + "1", "1if 2else 3", "x" * 10**6]
)
def test_facts_of_anything_are_had_without_an_exception_or_a_warning(source):
    inspect_source(source)


HOSTILE = (
    "`" * 10**5, "```\n" * 2500, "~~~python\n" * 2500, "```python\n'''\n```\n" * 2000, '"""\n```\n' * 2500, "def f(\n" * 2500,
    "\x00\n```python\n\x00\n```\n", "\ud800\n```python\nx = '\ud800'\n```", "<think>" * 10**4, "</think>\n" * 10**4, "> " * 10**4 + "```",
    "- " * 10**4 + "```", "@x\n" * 2500, "(" * 10**5, "</a>" * 10**4 + "x", "```python\n" + '"' * 10**5, "```python\n" + "\\" * 10**5,
    "```python\ndef f(): pass\n```\n" * 1000, "'" * 10**5, "\n" * 10**5, " " * 10**5 + "```", "\r\n" * 10**4, "```python\n" + "x = 1\n" * 10**4,
    "    x\n" * 2500, "```py `\n" * 1000, "[PYTHON]" * 10**4, "if x:\n" * 100 + "```\n",
)  # fmt: skip


@pytest.mark.parametrize("answer", HOSTILE, ids=[repr(text[:12]) for text in HOSTILE])
def test_an_answer_of_any_kind_is_read_in_short_time(answer):
    start = time.process_time()
    piece = extract_program(answer, ASKED)
    assert isinstance(piece.source(answer), str) and 0 <= piece.end <= len(answer)
    is_complete(answer, ASKED)
    extract_open_program(answer, ASKED)
    assert time.process_time() - start < 3


@LAW
@given(st.text(alphabet="`~ \n\r\tdef:ax('\"#>-1.<think>/\x00\ud800", max_size=200))
def test_reading_an_answer_never_fails(text):
    piece = extract_program(text, ASKED)
    assert sorted(piece.offsets([0], len(text))) is not None and piece.source(text) is not None


SCRIPT = "for number in range(1, 6):\n    print(number**2)\n"


def test_a_script_that_a_sentence_asks_for_is_whole_at_its_closing_fence():
    asked = AnswerRules("", None, opening="```python\n")
    assert is_complete(f"{SCRIPT}```", asked)
    assert extract_program(f"{SCRIPT}```\nDone.", asked).source(f"{SCRIPT}```\nDone.") == SCRIPT
    for unfinished in ("import math\n", "# Squares\n", "print(square(1))\n", "for number in (\n"):
        assert not is_complete(f"{unfinished}```", asked)
    assert not is_complete(f"{SCRIPT}```", asked._replace(entry_point="f"))
    assert is_complete(f"import math\n```\nand\n{fenced('print(math.pi)' + chr(10))}".rstrip(), asked)


@pytest.mark.parametrize("tag", ["</think>", "[/THINK]", "<think>"])
def test_a_tag_of_thoughts_in_the_request_is_text(tag):
    request = f'def f(x):\n    """Strip tags.\n\n    {tag}\n    """\n'
    rules, body = AnswerRules(request, "f", opening=f"```python\n{request}"), "    return x\n"
    assert extract_program(f"{body}```", rules).source(f"{body}```") == request + body
    assert is_complete(f"{body}```", rules) and extract_open_program(body, rules) == request + body


@pytest.mark.parametrize(
    ("request_", "body", "indented"),
    [
        (REQUEST, "return sum(xs)\n", "    return sum(xs)\n"),
        (REQUEST, "total = 0\n\nfor x in xs:\n    total += x\nreturn total\n",
         "    total = 0\n\n    for x in xs:\n        total += x\n    return total\n"),
    ],
)  # fmt: skip
def test_a_body_at_the_margin_behind_a_begun_head_is_its_body(request_, body, indented):
    rules = AnswerRules(request_, "add", opening=f"```python\n{request_}")
    source = extract_program(f"{body}```", rules).source(f"{body}```")
    assert source == request_ + indented and value(source) == 3
