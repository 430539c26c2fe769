"""Where another token would only reword a program, and where it may change what the program does."""

import pytest

from agent.program.wording import drop_prose, read_wording

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


@pytest.mark.parametrize(
    ("source", "before", "text", "expected"),
    [
        ('print("a", end="")\n', 'end="', ' ")', False),  # a blank in a string
        ('x = " ".join(y)\n', 'x = "', '".', False),
        ("for x in y:\n        t += x\n    return t\n", "t += x", "\n        ", False),  # it stays in the loop
        ("for x in y:\n        t += x\n        z = t\n", "t += x", "\n    ", False),  # it leaves the loop
        ("for x in y:\n        t += x\n        z = t\n", "t += x", "\n       ", True),  # the next token has a blank
        ("if x:\n    t += x  # no\n    return t\n", "# no", "\n    return", False),
        ("if x:\n    t += x  # no\n    return t\n", "# no", " more\n", True),
        ("if x:\n    t += x\n    return t\n", "t += x", "\n\n    ", True),
        ("if x:\n    t += x\n    return t\n", "t += x", "\n\n", True),
        ("y = n//2\n", "n", " /", False),
        ("y = n//2\n", "n", " //", True),
        ("y = n <= 3\n", "n", "<", False),
        ("class P:\n    size = 3\n", "    s", "ides", False),  # an attribute is seen from outside
        ("y = max(d for d, e in z)\n", "d for", " q", False),  # its variable was written before
        ("for i,x in z: pass\n", "for i", "dx", False),
        ("t = None\nfor t in z: pass\n", "for", " item", False),
        ("for t in z: pass\n", "for", " item", True),
        ("class P:\n    def f(self):\n        total = 1\n", "tot", "_sum", True),
    ],
)
def test_what_decides(source, before, text, expected):
    assert reworded(before, text, source) == expected


@pytest.mark.parametrize("character", ["\x0c", "\u2028", "\x85", "\x1c"])
def test_characters_that_end_no_line_of_python_move_nothing(character):
    source = f'x = "{character}é"  # a\ny = 1  # no\n'
    wording = read_wording(source)
    assert [source[start:end] for start, end in wording.comments] == ["# a", "# no"]
    assert [source[name.start : name.end] for name in wording.names] == ["x", "y"]


def test_lines_may_end_with_a_carriage_return_and_a_line_feed():
    source = 'x = "é"  # a\r\ndef f(y):\r\n    """So."""\r\n    return y  # no\r\n'
    wording = read_wording(source)
    assert [source[start:end] for start, end in wording.comments] == ["# a", "# no"]
    assert [source[start:end] for start, end in wording.docstrings] == ['"""So."""']


def test_where_a_carriage_return_ends_a_line_nothing_is_wording():
    source = 'x = "é"  # a\ry = 1  # no\n'
    assert not any(read_wording(source).is_reworded(at, "z") for at in range(len(source) + 1))


def test_places_are_characters_and_not_bytes():
    assert reworded("é = 1; tot", "_sum", 'é = 1; total = "é"  # é\n')
    assert reworded("# é", " ü", 'é = 1; total = "é"  # é\n')


def test_prose_is_dropped_and_strings_stay():
    source = 'def f():  # begins\n    """Say."""\n    return "# no comment"\n'
    assert drop_prose(source).split() == ["def", "f():", "return", '"#', "no", 'comment"']
    assert drop_prose("no python (") == "no python ("


@pytest.mark.parametrize("source", ["x = a" + ".b" * 1500, "x = f" + "(1)" * 1500, "x = " + "+".join(["a"] * 1500)])
def test_code_that_is_nested_deeply_is_read(source):
    assert read_wording(source).source == source
