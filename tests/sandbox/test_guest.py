"""The parts of the guest that need no program: streams, files, frames."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sandbox
from sandbox.guest import files, wire
from sandbox.guest.streams import HeadAndTail


@given(st.lists(st.binary(max_size=20)), st.integers(2, 40))
def test_head_and_tail_are_kept_whatever_the_pieces(pieces, most):
    kept, whole = HeadAndTail(most, limit=10**6), b"".join(pieces)
    for piece in pieces:
        kept.add(piece)
    half = most // 2
    assert bytes(kept.head) == whole[:half]
    assert bytes(kept.tail) == whole[half:][-half:]
    assert kept.truncated == (len(whole) > 2 * half)


def test_what_is_left_out_is_counted_between_head_and_tail():
    kept = HeadAndTail(4, limit=100)
    kept.add(b"ab123yz")
    assert kept.joined() == b"ab\n... 3 bytes left out ...\nyz"


def test_a_stream_overflows_beyond_its_limit():
    kept = HeadAndTail(4, limit=5)
    kept.add(b"12345")
    assert not kept.overflowed
    kept.add(b"6")
    assert kept.overflowed


def test_a_tree_too_deep_for_any_path_is_emptied(tmp_path):
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 200, dir_fd=at)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    files.empty(tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_locked_directories_and_dangling_links_are_emptied_and_their_targets_stay(tmp_path):
    outside, place = tmp_path / "outside", tmp_path / "place"
    locked = place / "locked" / "inner"
    locked.mkdir(parents=True)
    outside.mkdir()
    (outside / "stays").touch()
    (place / "link").symlink_to(outside)
    (locked / "dangling").symlink_to("nowhere")
    locked.chmod(0)
    locked.parent.chmod(0)
    files.empty(place, None)
    assert list(place.iterdir()) == []
    assert (outside / "stays").exists()


@given(st.dictionaries(st.text(max_size=5).filter(lambda key: key != "sizes"), st.integers()), st.lists(st.binary()))
def test_a_packed_payload_unpacks_to_the_same(header, blobs):
    assert wire.unpack(wire.pack(header, *blobs)) == (header, blobs)


@given(st.binary())
def test_unpacking_any_bytes_raises_nothing_but_wire_error(data):
    with contextlib.suppress(wire.WireError):
        wire.unpack(data)


def test_a_frame_that_ends_too_early_is_an_end_of_file():
    read, write = os.pipe()
    os.write(write, wire.frame(b"whole")[:-1])
    os.close(write)
    with pytest.raises(EOFError, match="1 bytes to come"):
        wire.read_frame(read)
    os.close(read)


TWO = """
import os, signal
from sandbox.guest import kernel
def played(be, act):
    pid = os.fork()
    if pid == 0:
        be(1 << 21)
        act()
        os._exit(0)
    return pid
ready, tell = os.pipe()
def wait():
    os.write(tell, b"x")
    signal.pause()
def may(signaller, other):
    pid = played(other, wait)
    os.read(ready, 1)
    status = os.waitpid(played(signaller, lambda: os.kill(pid, 0)), 0)[1]
    os.kill(pid, signal.SIGKILL)
    return status == 0
print(may(kernel.act_as, kernel.become), may(kernel.become, kernel.act_as))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user id (run as root)")
def test_who_acts_as_a_user_signals_its_processes_and_is_signalled_by_none_of_them():
    root = Path(sandbox.__file__).parent.parent
    ran = subprocess.run([sys.executable, "-c", TWO], capture_output=True, text=True, cwd=root, check=True)
    assert ran.stdout == "True False\n"
