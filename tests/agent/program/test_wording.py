"""Where another token would only reword a program, and where it may change what the program does."""

import pytest

from agent.program.wording import read_wording

SOURCE = '''\
def total(items):
    """Add them up."""
    # Sum the values
    result = 0
    for item in items:
        result += item + 1
    é = "# no comment"; other = 1
    return result
'''


def reworded(before: str, text: str, source: str = SOURCE) -> bool:
    """Ask for a token that is written behind the first place of `before`."""
    return read_wording(source).is_reworded(source.index(before) + len(before), text)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("    #", " Add"),
        ("# Sum the", " numbers"),
        ("Sum the values", " first"),
        ("Sum the values", "\n\n"),
        ('"""Add', " up"),
        ("    res", "_sum"),
        ("for", " value"),
        ("for ", "each"),
        ("    result = 0", "\n\n"),
        ("    result =", " 0\n\n"),
        ("for item in items", ":\n\n"),
        ("result += item", "+"),
        ('no comment"; oth', "ers"),
    ],
)
def test_a_comment_a_docstring_the_layout_or_a_new_name_is_wording(before, text):
    assert reworded(before, text)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ('Add them up."""\n   ', " result"),  # instead of a comment: what follows may differ
        ('Add them up."""\n', "       "),  # indentation
        ("    result = 0\n", "\n"),
        ("    ", "return"),  # instead of a docstring
        ("    res", "("),
        ("    result =", " 1"),
        ("    result =", " 0"),
        ("for", " ("),
        ("for ", "result"),  # an earlier name: the loop would set it
        ("for ", "res"),  # it may become that
        ("for ", "if"),
        ("        res", "ponse"),  # not where it is new
        ("result += item", " -"),
        ("    result = 0", " "),  # an operator may follow
        ("result += item +", " 2"),
        ("# no", " such"),  # in a string
        ("return", " other"),
        ("return result", " + 1"),
    ],
)
def test_another_statement_value_name_in_use_or_indentation_is_none(before, text):
    assert not reworded(before, text)


def test_a_text_that_is_no_python_has_comments_up_to_its_mistake():
    assert reworded("# b", "ad", "x = 1  # bad\nif x\n")
    assert not reworded("y", "z", "x = (1\ny = 2\n")
    assert not reworded("", "z", "")
