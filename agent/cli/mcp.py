"""`dubito mcp`: tools for assistants, over the Model Context Protocol. Heavy imports wait inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.cli.agent_options import AgentOptions
from agent.cli.exits import explain_error
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
    from agent.servers.mcp.tools import Tools


def mcp(
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
    """Give assistants three tools over the Model Context Protocol (MCP): doubts, check and solve. A client starts it.

    solve asks the person at a pause with --ask, or where a call says so; docs/assistants.md shows how to set it up.

    Example: dubito mcp --model qwen2.5-coder-0.5b
    """
    options = AgentOptions.take(locals())
    from agent.cli.serving import serve_client

    serve_client(options, "mcp", "an assistant", _serve)


def _serve(lazy: LazyAgent) -> None:
    import asyncio

    from agent.servers.desk import Desk
    from agent.servers.mcp.server import ToolServer, serve
    from agent.servers.wire import claim_streams

    def load() -> Tools:
        from agent.servers.mcp.tools import Tools

        return Tools(lazy)

    desk = Desk(load)
    asyncio.run(serve(ToolServer(desk, lambda error: explain_error(error)[0]), desk, claim_streams()))
