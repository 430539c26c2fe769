"""One warm sandbox of each kind for the whole session. A kind that this machine lacks is skipped with its reason."""

import pytest

from sandbox import SANDBOXES, SandboxUnavailable, open_sandbox

WANTED = {
    "docker": "needs docker (docker version failed)",
    "gvisor": "needs docker with gVisor's runtime (docker info lists runsc)",
    "bubblewrap": "needs bubblewrap (bwrap --unshare-all --ro-bind / / true failed)",
}
KINDS = [pytest.param(name, marks=pytest.mark.docker if name in ("docker", "gvisor") else ()) for name in SANDBOXES]


def opened(name):
    try:
        return open_sandbox(name)
    except SandboxUnavailable as error:
        pytest.skip(f"{WANTED.get(name, name)}: {error}")


@pytest.fixture(scope="session")
def warm():
    """The sandbox of a kind, the same one whenever it is asked for."""
    sandboxes = {}

    def warm(kind):
        if kind not in sandboxes:
            sandboxes[kind] = opened(kind)
        return sandboxes[kind]

    yield warm
    for sandbox in sandboxes.values():
        sandbox.close()


@pytest.fixture(scope="session", params=KINDS)
def sandbox(request, warm):
    return warm(request.param)


@pytest.fixture(scope="session")
def docker_sandbox(warm):
    return warm("docker")
