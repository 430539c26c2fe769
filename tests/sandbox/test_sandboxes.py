"""The decisions of choosing a sandbox, making its image and installing an engine. Nothing is installed."""

import os
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

import sandbox
from sandbox import SANDBOXES, SandboxUnavailable, bubblewrap, open_sandbox
from sandbox.docker import engine, image

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n'


def unavailable(memory_mib, fresh):
    raise SandboxUnavailable("not here")


def test_an_unknown_sandbox_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown sandbox 'vm'; choose from bubblewrap, docker, gvisor, process"):
        open_sandbox("vm")


@pytest.mark.parametrize(("working", "chosen"), [({"docker", "bubblewrap"}, "docker"), ({"bubblewrap"}, "bubblewrap")])
def test_the_safest_sandbox_that_works_is_chosen(monkeypatch, working, chosen):
    for name in SANDBOXES:
        monkeypatch.setitem(
            SANDBOXES, name, (lambda memory_mib, fresh, name=name: name) if name in working else unavailable
        )
    assert open_sandbox() == chosen


def test_without_isolation_nothing_is_chosen_and_the_message_says_what_to_try(monkeypatch):
    for name in ("docker", "bubblewrap"):
        monkeypatch.setitem(SANDBOXES, name, unavailable)
    with pytest.raises(SandboxUnavailable, match="install Docker, or name the sandbox `process`"):
        open_sandbox()


def test_every_public_name_is_there():
    assert all(hasattr(sandbox, name) for name in sandbox.__all__)


def test_the_image_is_named_after_its_sources(monkeypatch, tmp_path):
    before = image.image_tag()
    changed = tmp_path / "Dockerfile"
    changed.write_text(image.DOCKERFILE.read_text() + "\n")
    monkeypatch.setattr(image, "DOCKERFILE", changed)
    assert image.image_tag() != before


def test_the_images_context_is_the_dockerfile_and_the_guest():
    with tarfile.open(fileobj=image.pack_context()) as context:
        names = set(context.getnames())
    assert {"Dockerfile", "guest/__init__.py", "guest/server.py", "guest/plain.py"} <= names
    assert all(name == "Dockerfile" or name.startswith("guest/") for name in names)


@pytest.mark.parametrize(
    ("user", "os_release", "docker_host", "message"),
    [
        (1000, DEBIAN, None, "sudo apt-get install docker.io"),
        (0, "ID=fedora\n", None, "install Docker"),
        (0, DEBIAN, "tcp://elsewhere:2375", "unset DOCKER_HOST"),
    ],
)
def test_no_engine_is_installed_where_that_is_not_ours_to_do(user, os_release, docker_host, message):
    with pytest.raises(SandboxUnavailable, match=message):
        engine.refuse_unless_possible(user, os_release, docker_host)


@pytest.mark.parametrize("os_release", [DEBIAN, 'ID=ubuntu\nID_LIKE="debian"\n', 'ID=mint\nID_LIKE="ubuntu debian"\n'])
def test_an_engine_may_be_installed_by_root_on_debian_and_its_kin(os_release):
    engine.refuse_unless_possible(0, os_release, None)


KILLED = """
import os, signal
from sandbox import open_sandbox
sandbox = open_sandbox("process")
sandbox.run("")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_directory_of_a_killed_process_is_removed_by_the_next_one_and_one_in_use_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(sandbox.__file__).parent.parent)}
    subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False)
    (killed,) = tmp_path.iterdir()
    with closing(open_sandbox("process")) as one, closing(open_sandbox("process")) as two:
        assert one.run("").passed and two.run("").passed
        assert killed not in tmp_path.iterdir() and len([*tmp_path.iterdir()]) == 2
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("separate_users", [True, False])
def test_the_server_is_the_first_process_in_bubblewrap(separate_users):
    assert "--as-pid-1" in bubblewrap.flags(separate_users=separate_users)
