"""What the commands share that serve a protocol over stdin and stdout. Heavy imports wait inside."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

from agent.cli import components
from agent.cli.exits import report_errors
from agent.cli.settings import naming_settings
from agent.errors import InvalidRequestError

if TYPE_CHECKING:
    from agent.cli.agent_options import Agent, AgentOptions, CheckedOptions
    from agent.lm.base import Model
    from sandbox.base import Sandbox


class LazyAgent:
    """An agent whose parts are opened when they are first wanted; one that cannot be opened is tried again later.

    cleanup: closes the sandbox.
    """

    def __init__(self, options: AgentOptions, cleanup: ExitStack) -> None:
        self.options, self._cleanup = options, cleanup

    @cached_property
    def checked(self) -> CheckedOptions:
        """The options. Raises what their check raises."""
        return self.options.check()

    @cached_property
    def sandbox(self) -> Sandbox:
        """The sandbox. Raises SandboxError where it does not start."""
        with naming_settings():
            components.check_sandbox(self.options.sandbox)
            return self._cleanup.enter_context(closing(components.start_sandbox(self.options.sandbox)))

    @cached_property
    def model(self) -> Model:
        """The model. Raises ModelLoadError and DeviceError."""
        with naming_settings():
            return self.checked.open_model()

    @cached_property
    def agent(self) -> Agent:
        """Both, with the policy and the strategy."""
        model = self.model
        with naming_settings():
            return self.checked.open_beside(self.sandbox, model)


def serve_client(options: AgentOptions, command: str, who: str, serve: Callable[[LazyAgent], object]) -> NoReturn:
    """Serve an assistant's client on stdin and stdout until it leaves, then end the process.

    command: its package and its extra have the same name. who: starts it.
    """
    from agent.servers.refusal import refusing_requests
    from agent.servers.wire import end_process

    with report_errors(as_json=False), ExitStack() as cleanup:
        with refusing_requests():
            check_packages(command, command)
            options.check()
            check_client(command, who, "docs/assistants.md")
        serve(LazyAgent(options, cleanup))
        cleanup.close()
        end_process()


def check_packages(command: str, *packages: str) -> None:
    """Raise InvalidRequestError where packages are missing that a command needs. Its extra has its name."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        raise InvalidRequestError(
            f"dubito {command} needs {names}; install what it needs with: pip install 'dubito[{command}]'"
        )


def check_client(command: str, who: str, page: str) -> None:
    """Raise InvalidRequestError for a terminal in the place of a client: nobody can type a protocol.

    who: starts the command. page: says how.
    """
    if not _is_piped():
        raise InvalidRequestError(
            f"{who} starts `dubito {command}` and talks to it over stdin; {page} says how to set it up"
        )


def _is_piped() -> bool:
    """Whether stdin is a descriptor of this process, and no terminal."""
    with suppress(OSError):
        return sys.stdin.fileno() == 0 and not sys.stdin.isatty()
    return False
