"""Any text is made fit for a terminal: what hides or acts is replaced, and a line breaks between words."""

import pytest

from agent.views.line_breaks import break_lines
from agent.views.text import clean


@pytest.mark.parametrize("text", [
        "a\u200db", "a\u200cé", "é\u200d", "\u200d", "x\u202ey", "\x1b[2J", "👨\u200d", "\u200d👩", "👨\u200dx",
        "1\u200d👩", "👨\u200d\u200d👩", "a\ufe0f", "\ufe0f", "❤\ufe0f\ufe0f", "👨\u200c👩",
        "👨\ufe0e", "👨\u200d\x1b[2J",
    ],
)  # fmt: skip
def test_what_could_hide_or_act_is_replaced(text):
    assert "\ufffd" in clean(text) and len(clean(text)) == len(text)


@pytest.mark.parametrize(
    "text", ["👨\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "❤\ufe0f", "👩🏽\u200d💻", "1\ufe0f\u20e3", "⚕\ufe0f"]
)
def test_an_emoji_of_several_parts_stays_whole(text):
    assert clean(f"a = '{text}'") == f"a = '{text}'"


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_line_breaks_between_words_however_the_text_comes(size):
    text = "the sum of all numbers\nis right  here"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join(break_lines(pieces, 11)) == "".join(break_lines([text], 11))
    lines = "".join(break_lines(pieces, 11)).split("\n")
    assert all(len(line) <= 11 for line in lines) and " ".join(lines).split() == text.split()


def test_a_long_word_stays_whole_and_a_line_ends_once():
    assert "".join(break_lines(["a ", "https://example.org/x", "\n"], 8)) == "a\nhttps://example.org/x\n\n"
