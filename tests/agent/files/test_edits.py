"""A file of a person's is changed whole or not at all, and its change can be taken back."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from agent.errors import FileAccessError, InvalidRequestError, StorageError
from agent.files import edits
from agent.files.edits import Edit, apply_edit, lies_outside, read_target, undo_edit


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """The state folder of a user who has changed nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "dubito" / "changes"


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def planned(path, new):
    return Edit(path, read_target(path), new)


def test_a_new_file_is_written_and_taken_back(place):
    edit = planned(place / "a.py", b"x = 1\n")
    assert (edit.old, edit.changes, edit.replaces) == (None, True, False)
    assert edit.diff.startswith("--- /dev/null\n+++ b/")
    assert apply_edit(edit) is None
    assert (place / "a.py").read_bytes() == b"x = 1\n"
    undo_edit(edit)
    assert list(place.iterdir()) == []


def test_an_old_file_is_changed_and_what_it_held_is_kept_and_comes_back(place):
    (place / "a.py").write_bytes(b"\xef\xbb\xbfold\r\n")
    (place / "a.py").chmod(0o640)
    edit = planned(place / "a.py", b"new\n")
    kept = apply_edit(edit)
    assert (place / "a.py").read_bytes() == b"new\n" and kept.read_bytes() == b"\xef\xbb\xbfold\r\n"
    assert stat.S_IMODE((place / "a.py").stat().st_mode) == 0o640
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    undo_edit(edit)
    assert (place / "a.py").read_bytes() == b"\xef\xbb\xbfold\r\n"
    assert stat.S_IMODE((place / "a.py").stat().st_mode) == 0o640
    assert [path.name for path in place.iterdir()] == ["a.py"], "no partial file is left"


@pytest.mark.parametrize("old", [b"old\n", None])
def test_a_file_that_was_changed_since_is_not_taken_back(place, old):
    if old is not None:
        (place / "a.py").write_bytes(old)
    edit = planned(place / "a.py", b"new\n")
    apply_edit(edit)
    (place / "a.py").write_text("mine\n")
    with pytest.raises(InvalidRequestError, match="was changed"):
        undo_edit(edit)
    assert (place / "a.py").read_text() == "mine\n"
    (place / "a.py").unlink()
    with pytest.raises(InvalidRequestError, match="was changed"):
        undo_edit(edit)


@pytest.mark.parametrize("now", [b"other\n", None], ids=["changed", "deleted"])
def test_a_file_that_was_changed_after_the_plan_is_left_alone(place, state, now):
    (place / "a.py").write_text("old\n")
    edit = planned(place / "a.py", b"new\n")
    (place / "a.py").unlink()
    if now is not None:
        (place / "a.py").write_bytes(now)
    with pytest.raises(InvalidRequestError, match="was changed meanwhile, so nothing was written"):
        apply_edit(edit)
    assert ((place / "a.py").read_bytes() if (place / "a.py").exists() else None) == now
    assert not state.exists(), "nothing is kept of a change that was not made"


def test_a_file_that_appears_after_the_plan_is_left_alone(place):
    edit = planned(place / "a.py", b"new\n")
    (place / "a.py").write_text("somebody's\n")
    with pytest.raises(InvalidRequestError, match="was changed meanwhile"):
        apply_edit(edit)
    assert (place / "a.py").read_text() == "somebody's\n"


def test_a_link_stays_and_its_target_is_changed(place):
    (place / "real").mkdir()
    (place / "real" / "a.py").write_text("old\n")
    (place / "link.py").symlink_to("real/a.py")
    edit = planned(place / "link.py", b"new\n")
    apply_edit(edit)
    assert (place / "link.py").is_symlink() and (place / "real" / "a.py").read_text() == "new\n"
    undo_edit(edit)
    assert (place / "link.py").is_symlink() and (place / "link.py").read_text() == "old\n"


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/dev/stdout", "-"])
def test_streams_and_devices_are_no_targets(path):
    with pytest.raises(FileAccessError, match="is no file that could be changed"):
        read_target(Path(path))


def test_folders_loops_and_places_in_no_folder_are_no_targets(place):
    (place / "loop").symlink_to("loop")
    for path, reason in [
        (place, "is a folder"),
        (place / "loop", "cannot write"),
        (place / "no" / "a", "No such file"),
    ]:
        with pytest.raises(FileAccessError, match=reason):
            read_target(path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere (run as another user)")
def test_a_file_that_may_not_be_written_is_no_target(place):
    (place / "a.py").write_text("old\n")
    (place / "a.py").chmod(0o444)
    with pytest.raises(FileAccessError, match="Permission denied"):
        read_target(place / "a.py")


@pytest.mark.skipif(os.getuid() != 0, reason="needs the right to mount (run as root)")
def test_a_full_disk_and_a_read_only_one_change_nothing(place, state):
    for options, size, error, reason in [
        ("size=8k", 20_000, StorageError, "No space left on device"), ("size=1m,ro", 10, FileAccessError, "Read-only"),
    ]:  # fmt: skip
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(place)], check=False)
        if mounted.returncode:
            pytest.skip("needs the right to mount (run as root outside of a container)")
        try:
            (place / "a.py").write_text("old\n")
            subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)
            with pytest.raises(error, match=reason):
                apply_edit(Edit(place / "a.py", b"old\n", b"x" * size))
            assert (place / "a.py").read_text() == "old\n" and [each.name for each in place.iterdir()] == ["a.py"]
            assert not list(state.iterdir()), "nothing is kept of a change that was not made"
        finally:
            subprocess.run(["umount", str(place)], check=True)


def test_what_cannot_be_kept_is_not_changed(place, tmp_path):
    (place / "a.py").write_text("old\n")
    (tmp_path / "state").write_text("a file where the folder would be\n")
    with pytest.raises(StorageError, match=r"cannot keep what a file held before in .* set XDG_STATE_HOME"):
        apply_edit(planned(place / "a.py", b"new\n"))
    assert (place / "a.py").read_text() == "old\n"


def test_only_the_newest_changes_are_kept(place, state, monkeypatch):
    monkeypatch.setattr(edits, "_MOST_KEPT", 2)
    for number in range(4):
        apply_edit(planned(place / "a.py", f"{number}\n".encode()))
    assert {path.read_text() for path in state.iterdir()} == {"1\n", "2\n"}


def test_an_edit_that_changes_nothing_says_so(place):
    (place / "a.py").write_text("old\n")
    edit = planned(place / "a.py", b"old\n")
    assert (edit.changes, edit.replaces, edit.diff) == (False, False, "")


def test_links_are_followed_to_see_what_lies_outside(place, tmp_path):
    (place / "out").symlink_to(tmp_path)
    (place / "in").mkdir()
    assert not lies_outside(place / "in" / "a.py", place) and not lies_outside(place / "new" / "a.py", place)
    assert lies_outside(place / "out" / "a.py", place) and lies_outside(place / ".." / "a.py", place)
    assert lies_outside(Path("/a.py"), place)
