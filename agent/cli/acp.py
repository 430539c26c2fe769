"""`dubito acp`: an agent for the panels of editors, over the Agent Client Protocol. Heavy imports wait inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.cli.agent_options import AgentOptions
from agent.cli.exits import ExitCode, explain_error
from agent.cli.options import (
    AskOption,
    BudgetOption,
    DefaultModelOption,
    DeviceOption,
    MinProbabilityOption,
    OrderOption,
    PolicyOption,
    ProgramsOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    StrategyOption,
    ThresholdOption,
    TokensOption,
    WeightsOption,
)

if TYPE_CHECKING:
    from agent.cli.serving import LazyAgent
    from agent.servers.acp.server import Explained
    from agent.servers.acp.turns import PromptTurns

_KEPT = ("model", "policy", "strategy", "budget")  # options that `dubito chat` takes from a saved conversation


def acp(
    model: DefaultModelOption = None,
    policy: PolicyOption = None,
    threshold: ThresholdOption = None,
    strategy: StrategyOption = "adaptive",
    programs: ProgramsOption = None,
    ask: AskOption = False,
    budget: BudgetOption = None,
    order: OrderOption = None,
    min_probability: MinProbabilityOption = 0.0,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
) -> None:
    """Be an agent in the panel of an editor, over the Agent Client Protocol (ACP). The editor starts it.

    A pause is a permission request with the candidates as options, with --ask or in the mode Ask; docs/assistants.md
    shows how to set up Zed, JetBrains' IDEs and Neovim.

    Example: dubito acp --model qwen2.5-coder-0.5b
    """
    options = AgentOptions.take(locals())
    from agent.cli.serving import serve_client

    serve_client(options, "acp", "an editor", _serve)


def _serve(lazy: LazyAgent) -> None:
    import asyncio

    from platformdirs import user_state_path

    from agent.servers.acp.server import DubitoAgent, serve
    from agent.servers.acp.sessions import ASK_MODE, AUTO_MODE, SessionFolder
    from agent.servers.desk import Desk
    from agent.servers.wire import claim_streams

    def load() -> PromptTurns:
        from agent.servers.acp.turns import PromptTurns

        return PromptTurns(lazy.agent)

    kept = {name: getattr(lazy.options, name) for name in _KEPT}
    desk, folder = Desk(load), SessionFolder(user_state_path("dubito") / "sessions", kept)
    agent = DubitoAgent(desk, folder, explain_to_client, ASK_MODE if lazy.options.ask else AUTO_MODE)
    asyncio.run(serve(agent, desk, claim_streams()))


def explain_to_client(error: BaseException) -> Explained:
    """Say what an error means, and whether the request is to blame for it."""
    from agent.servers.acp.server import Explained

    sentence, code = explain_error(error)
    return Explained(sentence, code == ExitCode.BAD_REQUEST)
