"""A changed text keeps its byte order mark, its line ends and all that is not changed; tools read its diff."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.files.changes import MARK, Change, apply_changes, plain_text, write_diff

PIECES = st.sampled_from(["a", "é", "\n", "\r\n", "\r", "\f", "\t", "\u2028", "😀"])
WRITTEN = st.builds("{}{}".format, st.sampled_from(["", MARK]), st.lists(PIECES, max_size=30).map("".join))


@given(WRITTEN, st.data())
def test_what_a_change_does_not_touch_stays_as_it_is_written(written, data):
    plain = plain_text(written)
    start = data.draw(st.integers(0, len(plain)))
    end = data.draw(st.integers(start, len(plain)))
    new = apply_changes(written, [Change(start, end, "x\ny")])
    assert plain_text(new) == f"{plain[:start]}x\ny{plain[end:]}"
    before, after = new.split("x", 1)[0], new.rpartition("y")[2]
    assert written.startswith(before) and written.endswith(after)
    assert (plain_text(before), plain_text(after)) == (plain[:start], plain[end:])


@given(WRITTEN)
def test_no_change_changes_nothing(written):
    assert apply_changes(written, []) == written


@pytest.mark.parametrize(
    ("written", "new"),
    [
        ("a\r\nb\nc\r\n", "a\r\nx\ny\nc\r\n"),
        ("a\nb\r\nc\n", "a\nx\r\ny\r\nc\n"),
        (f"{MARK}a\r\nb", f"{MARK}a\r\nx\r\ny"),
        ("a\nb", "a\nx\ny"),
    ],
)
def test_new_lines_end_as_the_line_of_their_change_does(written, new):
    assert apply_changes(written, [Change(2, 3, "x\ny")]) == new


def test_changes_at_one_place_keep_their_order():
    assert apply_changes("ab", [Change(2, 2, "z"), Change(1, 1, "x"), Change(1, 1, "y")]) == "axybz"


TEXTS = ["x = ...\n", "x = ...", "a = 1\r\nx = ...\r\n", "\f\nx = ...\n", "s = 'a\u2028b\x1cc'\nx = ...\n"]


@pytest.mark.parametrize("old", TEXTS)
def test_git_applies_a_diff_to_the_byte(old, tmp_path):
    new = old.replace("...", "1")
    (tmp_path / "a.py").write_bytes(old.encode())
    diff = write_diff(old, new, "a.py")
    subprocess.run(["git", "apply", "-"], input=diff.encode(), check=True, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "a.py").read_bytes() == new.encode()
    assert write_diff(old, old, "a.py") == ""


def test_git_makes_a_new_file_of_a_diff(tmp_path):
    diff = write_diff("", "x = 1\n", "b/a.py", is_new=True)
    subprocess.run(["git", "apply", "-"], input=diff.encode(), check=True, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "b" / "a.py").read_text() == "x = 1\n"
