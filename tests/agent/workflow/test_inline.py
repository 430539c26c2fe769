"""At a cursor the model goes on to the end of the line, or of a block, with what fits there and no more."""

import pytest
from filling import FillingLM
from trie import TrieLM

from agent.workflow.inline import complete_inline


def complete(source, written, **options):
    """Complete a source at its cursor `|` with a model that writes this text there."""
    before, _, after = source.partition("|")
    return complete_inline(FillingLM({written: 1.0}).filler(), before + after, len(before), **options)


@pytest.mark.parametrize(
    ("source", "written", "wanted"),
    [
        ("x = f(|", "a, b)\ny = 2", "a, b)"),
        ("x = f(|)\n", "a, b)", "a, b"),
        ("x = |[0]\n", "xs[0]", "xs"),
        ("x = (|, 2)\n", "1", "1"),
        ("x = 1|\n", "", None),
        ("x = 1|\n", "   ", None),
    ],
)
def test_behind_code_it_is_the_rest_of_the_line_without_what_stands_there(source, written, wanted):
    assert complete(source, written) == wanted


@pytest.mark.parametrize(
    ("source", "written", "wanted"),
    [
        ("def f(x):\n    |\n", "y = x\n    return y\n", "y = x\n    return y"),
        ("def f(x):\n    |\n", "return x\n\ndef g():\n    pass\n", "return x"),
        ("def f(x):\n    |\n    return y\n", "y = x\n    return y\n", "y = x"),
        ("def f(x):|\n", "\n    return x\n\nz = 1", "\n    return x"),
        ("|", "import os\nimport sys\n", "import os\nimport sys"),
    ],
)
def test_on_an_empty_line_and_behind_a_colon_it_is_a_block(source, written, wanted):
    assert complete(source, written) == wanted


def test_of_what_the_limit_cuts_off_a_block_keeps_whole_lines():
    assert complete("def f(x):\n    |\n", "y = x + 1\n    return y + 2\n", max_tokens=20) == "y = x + 1"
    assert complete("x = |\n", "abcdefghij", max_tokens=5) == "abcde"


def test_nothing_is_written_without_marks_with_a_mark_in_the_code_and_where_it_is_stopped():
    assert complete_inline(TrieLM({"1": 1.0}).model(), "x = ", 4) is None
    assert complete("s = '<M>'\nx = |\n", "1") is None
    asked = []
    assert complete("x = |\n", "abcdefghij", stop=lambda: bool(asked.append(1) or len(asked) > 3)) is None
    assert len(asked) < 8, "it ends soon"


def test_a_long_file_is_shown_in_part_and_from_a_line_that_stays():
    class Seeing(FillingLM):
        def _logits(self, ids):
            seen.append("".join(map(chr, ids)))
            return super()._logits(ids)

    starts, lines = set(), "".join(f"x{number:03} = 1\n" for number in range(200))
    for typed in range(1, 9):
        seen = []
        source = lines + "y = 22222222"[: 4 + typed]
        complete_inline(Seeing({"1": 1.0}).filler(), source, len(source))
        shown = seen[0].partition("<P>")[2].partition("<S>")[0]
        assert len(shown) < 600 and shown.endswith(source[-5:])
        starts.add(shown[:4])
    assert len(starts) <= 2 and starts < {f"x{number:03}" for number in range(0, 200, 16)}
