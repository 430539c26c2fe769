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


def run_server(options: AgentOptions, extra: str, who: str, serve: Callable[[LazyAgent], object]) -> NoReturn:
    """Serve a client on stdin and stdout until it leaves, then end the process. extra, who: as of `check_start`."""
    from agent.servers.refusal import refusing_requests
    from agent.servers.wire import end_process

    with report_errors(as_json=False), ExitStack() as cleanup:
        with refusing_requests():
            check_start(options, extra, who)
        serve(LazyAgent(options, cleanup))
        cleanup.close()
        end_process()


def check_start(options: AgentOptions, extra: str, who: str) -> None:
    """Refuse what no server can be started with. extra: its command, its package and its extra have one name.

    who: starts it. Raises InvalidRequestError for a terminal in the place of a client: nobody can type a protocol.
    """
    if find_spec(extra) is None:
        raise InvalidRequestError(f"the package {extra} is missing here; install it: pip install 'dubito[{extra}]'")
    options.check()
    if not _is_piped():
        raise InvalidRequestError(
            f"{who} starts `dubito {extra}` and talks to it over stdin; docs/assistants.md says how to set it up"
        )


def _is_piped() -> bool:
    """Whether stdin is a descriptor of this process, and no terminal."""
    with suppress(OSError):
        return sys.stdin.fileno() == 0 and not sys.stdin.isatty()
    return False
