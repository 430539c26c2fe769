"""`dubito serve`: answer other programs under OpenAI's protocol. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli import components
from agent.cli.agent_options import AgentOptions, CheckedOptions
from agent.cli.exits import advise, report_error, report_errors
from agent.cli.options import (
    BudgetOption,
    DefaultModelOption,
    DeviceOption,
    MinProbabilityOption,
    OrderOption,
    PolicyOption,
    ProgramsOption,
    PromptStyleOption,
    SandboxOption,
    StrategyOption,
    ThresholdOption,
    WeightsOption,
)
from agent.cli.serving import check_packages
from agent.cli.settings import naming_settings
from agent.errors import InvalidRequestError
from agent.servers.openai.addresses import check_host, check_reach, check_token, is_loopback
from agent.views.say import say
from agent.views.text import one_line
from sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from agent.servers.openai.app import Api
    from sandbox.base import Sandbox

_HOST_HELP = "Listen on this address. One that other machines can reach, as 0.0.0.0, needs a --token."
_PORT_HELP = "Listen on this port; 0 takes a free one."
_TOKEN_HELP = "Answer only who brings this token as the API key. DUBITO_TOKEN keeps it out of the list of processes."
_TOKENS_HELP = "Write at most this many tokens an answer or a program, where a request says no number."


def serve_model(
    model: DefaultModelOption = None,
    host: Annotated[str, typer.Option(help=_HOST_HELP)] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help=_PORT_HELP)] = 8000,
    token: Annotated[str | None, typer.Option(help=_TOKEN_HELP, show_default=False)] = None,
    policy: PolicyOption = None,
    threshold: ThresholdOption = None,
    strategy: StrategyOption = "adaptive",
    programs: ProgramsOption = None,
    budget: BudgetOption = None,
    order: OrderOption = None,
    min_probability: MinProbabilityOption = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help=_TOKENS_HELP)] = 1024,
    sandbox: SandboxOption = None,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
) -> None:
    """Serve the model to other programs, at /v1 as OpenAI does. Ctrl-C ends it.

    It answers under two names: its own, as a plain model that pauses where it is in doubt, and with :solve behind it,
    which writes a program, runs it, and says what it is worth.

    Example: dubito serve --port 8000
    """
    with report_errors(as_json=False), ExitStack() as cleanup:
        check_packages("serve", "pydantic", "starlette", "uvicorn")
        _check_address(host, token)
        checked = AgentOptions.take({**locals(), "ask": False, "seed": 0}).check()
        from agent.servers.openai.server import bind, name_address, run_server

        bound = cleanup.enter_context(closing(bind(host, port)))
        api = _open_api(checked, cleanup)
        line = f"serving {' and '.join(api.served.names)} at {name_address(bound)}/v1; Ctrl-C ends it"
        app = api.build(token=token or "", local=is_loopback(host))
        run_server(app, bound, begin=lambda: _say(line), stop=api.turns.thread.close)
        api.turns.thread.close()
        api.turns.thread.join()  # Python's end would tear down a forward
        _say("stopped")


def _check_address(host: str, token: str | None) -> None:
    check_host(host)
    if token is not None:
        check_token(token)
    with advise(InvalidRequestError, "as --token, or as DUBITO_TOKEN"):
        check_reach(host, token)


def _open_api(checked: CheckedOptions, cleanup: ExitStack) -> Api:
    """Start the sandbox, load the model, and say how it answers."""
    from agent.cli.thresholds import describe_threshold
    from agent.servers.openai.app import Api
    from agent.servers.openai.served import ServedModel

    checked.announce()
    with naming_settings():
        sandbox = _start_sandbox(checked.options.sandbox, cleanup)
        policy, model = checked.build_policy(), checked.open_model()
    served = ServedModel(model, policy, checked.strategy, checked.profile, checked.options.max_tokens, sandbox)
    pausing = describe_threshold(policy, checked.policy, checked.options.threshold)
    where = f", run in {type(sandbox).__name__}" if sandbox else ""
    _say(f"{checked.policy} with {model.name}{pausing}{where}")
    return Api(served, log=_say, report=partial(report_error, as_json=False))


def _start_sandbox(name: str | None, cleanup: ExitStack) -> Sandbox | None:
    """Start the sandbox. Where none was asked for and none is here, say so: the plain model needs none."""
    try:
        return cleanup.enter_context(closing(components.start_sandbox(name)))
    except SandboxUnavailable as error:
        if name is not None:
            raise
        _say(f"programs cannot be run, so none are searched: {error}")
        return None


def _say(line: str) -> None:
    say(one_line(line), err=True)
