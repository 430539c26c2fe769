"""Files of others stay as they are: nothing foreign is read without bound, replaced, cut short or waited for."""

import os
import stat
import threading
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import FileAccessError, StorageError
from agent.files.access import check_writable, read_bounded, write_whole
from agent.files.appended import AppendedFile
from agent.messages import quote

BEGINS = b'{"kind": "provenance"'
FIRST = BEGINS + b"}\n"


def ours(head):
    return head.startswith(b"ours")


def made_device(path, minor):
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, minor))
    except PermissionError:
        pytest.skip("needs the right to make device nodes (run as root)")
    return path


# Reading


def test_a_file_is_read_up_to_a_bound(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert read_bounded(tmp_path / "a", 100) == b"x" * 100
    with pytest.raises(FileAccessError, match=r"'.*a' is larger than 99 bytes"):
        read_bounded(tmp_path / "a", 99)


def test_a_sparse_file_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(FileAccessError, match="larger than 64 MiB"):
        read_bounded(tmp_path / "a")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/null", "/dev/tty"])
def test_devices_are_not_read(device):
    with pytest.raises(FileAccessError, match="is a device; wanted a regular file"):
        read_bounded(Path(device))


def test_a_link_to_a_device_is_not_read_and_a_link_to_a_file_is(tmp_path):
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(FileAccessError, match="is a device"):
        read_bounded(tmp_path / "zero")
    (tmp_path / "a").write_bytes(b"text")
    (tmp_path / "link").symlink_to("a")
    assert read_bounded(tmp_path / "link") == b"text"


def test_a_pipe_and_a_folder_are_not_read_and_nobody_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a folder")):
        with pytest.raises(FileAccessError, match=f"is {kind}; wanted a regular file"):
            read_bounded(path)


@pytest.mark.parametrize("name", ["missing", "nul\0", "n" * 300, "no/such/folder"])
def test_what_cannot_be_opened_is_said_in_a_sentence(tmp_path, name):
    with pytest.raises(FileAccessError, match="cannot read "):
        read_bounded(tmp_path / name)


def test_what_came_is_quoted_on_one_line_without_control_characters_and_cut():
    assert quote("a\x1b[2J\n\u202e\ud800") == "'a\\x1b[2J\\n\\u202e\\ud800'"
    assert len(quote("9" * 5000)) < 110


# Writing whole


def test_a_new_file_an_empty_one_and_one_of_ours_are_written(tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "ours").write_bytes(b"ours, old")
    (tmp_path / "ours").chmod(0o640)
    for name in ("new", "empty", "ours"):
        write_whole(tmp_path / name, b"ours, new", is_ours=ours)
        assert (tmp_path / name).read_bytes() == b"ours, new"
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == 0o640
    assert {each.name for each in tmp_path.iterdir()} == {"new", "empty", "ours"}, "nothing else is left behind"


@pytest.mark.parametrize("write", [check_writable, lambda path, **more: write_whole(path, b"ours", **more)])
def test_a_file_of_somebody_else_is_refused_and_left_alone(tmp_path, write):
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "link").symlink_to("thesis.txt")
    for name in ("thesis.txt", "link"):
        with pytest.raises(FileAccessError, match="exists and was not made by this command"):
            write(tmp_path / name, is_ours=ours)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert (tmp_path / "link").is_symlink()


def test_a_link_stays_and_its_target_is_written_whether_it_exists_or_not(tmp_path):
    (tmp_path / "folder").mkdir()
    for target in ("folder/old", "folder/new"):
        (tmp_path / "link").symlink_to(target)
        (tmp_path / "folder" / "old").write_bytes(b"ours")
        write_whole(tmp_path / "link", b"ours, too", is_ours=ours)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / target).read_bytes() == b"ours, too"
        (tmp_path / "link").unlink()


@pytest.mark.parametrize("write", [check_writable, lambda path: write_whole(path, b"text")])
def test_links_that_never_end_folders_and_missing_folders_are_refused(tmp_path, write):
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "loop", tmp_path, tmp_path / "nowhere" / "a", Path("/proc/a.jsonl")):
        with pytest.raises(FileAccessError):
            write(path)
    assert (tmp_path / "loop").is_symlink()


def test_a_null_device_swallows_and_stays_a_device(tmp_path):
    null = made_device(tmp_path / "null", 3)
    (tmp_path / "link").symlink_to("null")
    for path in (null, tmp_path / "link", Path("/dev/null")):
        write_whole(path, b"text")
        assert stat.S_ISCHR(path.stat().st_mode)
    assert (tmp_path / "link").is_symlink()


def test_a_full_device_is_a_full_disk_and_stays_a_device(tmp_path):
    full = made_device(tmp_path / "full", 7)
    with pytest.raises(StorageError, match="No space left on device"):
        write_whole(full, b"text")
    assert stat.S_ISCHR(full.stat().st_mode)


def test_memory_and_disks_are_never_written_to(tmp_path):
    memory = made_device(tmp_path / "mem", 1)
    os.mknod(tmp_path / "disk", stat.S_IFBLK | 0o666, os.makedev(1, 0))
    for path in (memory, tmp_path / "disk"):
        with pytest.raises(FileAccessError, match="and a file was wanted"):
            write_whole(path, b"text")


def test_a_pipe_is_written_through_and_stays_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileAccessError, match="nobody reads from it"):
        write_whole(tmp_path / "pipe", b"text")
    reader, heard = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK), bytearray()
    os.set_blocking(reader, True)

    def listen():
        while len(heard) < 200_000:
            heard.extend(os.read(reader, 2**16))

    listener = threading.Thread(target=listen)
    listener.start()
    write_whole(tmp_path / "pipe", b"x" * 200_000)
    listener.join(10)
    os.close(reader)
    assert heard == b"x" * 200_000 and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_dash_and_the_own_descriptors_are_standard_output(capfdbinary, tmp_path):
    (tmp_path / "link").symlink_to("/dev/stdout")
    for name in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", str(tmp_path / "link")):
        write_whole(Path(name), b"text")
    assert capfdbinary.readouterr().out == b"text" * 5
    assert not Path("-").exists() and (tmp_path / "link").is_symlink()


def test_a_name_of_a_partial_file_that_leads_elsewhere_is_not_followed(tmp_path):
    (tmp_path / "victim").write_text("mine")
    for name in ("a.partial", ".a.partial"):
        (tmp_path / name).symlink_to("victim")
    write_whole(tmp_path / "a", b"text")
    assert (tmp_path / "victim").read_text() == "mine"


# Appending


def appended(path, *lines, resume=True):
    file = AppendedFile(path, begins=BEGINS, resume=resume)
    try:
        for line in lines:
            file.append(line)
    finally:
        file.close()


def test_lines_are_appended_to_what_is_there(tmp_path):
    appended(tmp_path / "a", FIRST, b"one\n", resume=False)
    appended(tmp_path / "a", b"two\n")
    assert (tmp_path / "a").read_bytes() == FIRST + b"one\ntwo\n"
    with pytest.raises(FileAccessError, match="exists and is never rewritten"):
        appended(tmp_path / "a", b"three\n", resume=False)


@given(st.integers(1, len(FIRST) + 8))
def test_a_file_cut_off_at_any_byte_goes_on_after_its_last_whole_line(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("cut") / "a"
    path.write_bytes((FIRST + b"one\ntwo\n")[:length])
    whole = path.read_bytes().rfind(b"\n") + 1
    file = AppendedFile(path, begins=BEGINS, resume=True)
    assert file.empty == (whole == 0)
    file.append(b"next\n")
    file.close()
    assert path.read_bytes() == (FIRST + b"one\ntwo\n")[:whole] + b"next\n"


@pytest.mark.parametrize(
    "text", ["mine", "mine\nwithout an end", '{"kind": "step"}\n', "{}", '\n{"kind": "provenance"}\n']
)
def test_a_file_that_does_not_begin_as_ours_is_left_alone_even_behind_a_link(tmp_path, text):
    (tmp_path / "a").write_text(text)
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        with pytest.raises(FileAccessError, match="is left alone"):
            appended(tmp_path / name, b"line\n")
    assert (tmp_path / "a").read_text() == text and (tmp_path / "link").is_symlink()


def test_a_torn_line_stays_until_another_is_written(tmp_path):
    (tmp_path / "a").write_bytes(FIRST + b"torn")
    appended(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == FIRST + b"torn"


def test_lines_are_put_in_order_one_at_a_time_and_a_torn_one_is_dropped(tmp_path):
    appended(tmp_path / "a", FIRST, *(b"%03d " % number + b"x" * 2**18 + b"\n" for number in range(40, 0, -1)))
    with (tmp_path / "a").open("ab") as file:
        file.write(b"torn")
    file = AppendedFile(tmp_path / "a", begins=BEGINS, resume=True)
    tracemalloc.start()
    file.sort(lambda line: line[:3])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    file.close()
    head, *lines = (tmp_path / "a").read_bytes().splitlines(keepends=True)
    assert (head, [int(line[:3]) for line in lines]) == (FIRST, list(range(1, 41)))
    assert peak < 8 * 2**18, peak


def test_a_file_that_cannot_be_put_in_order_keeps_its_lines(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    file = AppendedFile(folder / "a", begins=BEGINS, resume=True)
    for line in (FIRST, b"two\n", b"one\n"):
        file.append(line)
    folder.rename(tmp_path / "moved")  # a test as root can write into any folder that is there
    with pytest.raises(StorageError, match=r"cannot put '.*' in order: No such file .*; it has all its lines"):
        file.sort(lambda line: line)
    file.close()
    assert (tmp_path / "moved" / "a").read_bytes() == FIRST + b"two\none\n"


def test_only_one_process_at_a_time_writes_a_file(tmp_path):
    first = AppendedFile(tmp_path / "a", begins=BEGINS, resume=True)
    with pytest.raises(FileAccessError, match="another process is writing"):
        AppendedFile(tmp_path / "a", begins=BEGINS, resume=True)
    first.append(FIRST)
    first.close()
    appended(tmp_path / "a", b"one\n")
    assert (tmp_path / "a").read_bytes() == FIRST + b"one\n"


def test_a_new_file_to_which_nothing_was_written_is_removed_and_an_old_one_is_not(tmp_path):
    (tmp_path / "old").touch()
    (tmp_path / "link").symlink_to("elsewhere")
    for name in ("new", "old", "link"):
        appended(tmp_path / name)
    assert {each.name for each in tmp_path.iterdir()} == {"old", "link"}


@pytest.mark.parametrize("name", ["/dev/null", "-"])
def test_streams_take_lines_and_keep_none(name, capfdbinary):
    file = AppendedFile(Path(name), begins=BEGINS, resume=True)
    file.append(FIRST)
    file.close()
    assert not file.keeps and stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert capfdbinary.readouterr().out == (FIRST if name == "-" else b"")


def test_a_full_device_is_not_read_and_takes_no_line():
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    file = AppendedFile(Path("/dev/full"), begins=BEGINS, resume=True)
    with pytest.raises(StorageError, match="No space left on device"):
        file.append(FIRST)
    file.close()
