"""`dubito chat`: a conversation about a program. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.agent_options import AgentOptions
from agent.cli.exits import ExitCode, report_error, report_errors
from agent.cli.interrupts import forget
from agent.cli.options import (
    AskOption,
    BudgetOption,
    DefaultModelOption,
    DeviceOption,
    MinProbabilityOption,
    OrderOption,
    PlainOption,
    PolicyOption,
    ProgramsOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    StrategyOption,
    ThresholdOption,
    TokensOption,
    VerboseOption,
    WeightsOption,
)

if TYPE_CHECKING:
    from agent.cli.conversing import Chat


def chat(
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
    verbose: VerboseOption = 0,
    plain: PlainOption = False,
    vi: Annotated[
        bool, typer.Option("--vi", help="Edit with the keys of vi. By default, with those of Emacs.")
    ] = False,
) -> None:
    """Talk about a program: ask for one, have it changed, run it, and write it into a file.

    Example: dubito chat --ask
    """
    options = AgentOptions.take(locals())
    with report_errors(as_json=False), ExitStack() as cleanup:
        from agent.cli.chat_commands import COMMANDS
        from agent.cli.conversing import Chat
        from agent.cli.prompting import Follows, drop_cut, open_reader

        talk = Chat(options.check().open(cleanup), detail=verbose, plain=plain)
        commands = {name: Follows(each.takes_path, partial(each.values, talk)) for name, each in COMMANDS.items()}
        read = open_reader(commands, vi=vi, plain=plain)
        if drop_cut():
            talk.say("what was typed while the model was loaded did not fit, and is dropped; type it again")
        _talk(talk, read)
        raise typer.Exit(ExitCode.OK)


def _talk(talk: Chat, read: Callable[[], str]) -> None:
    """Read requests and carry them out, until /quit, the end of the input, or two interrupts in a row."""
    interrupts = 0
    while interrupts < 2:
        forget()  # the last turn reported its interrupt
        try:
            line = read().strip()
        except EOFError:
            talk.say("")
            return
        except KeyboardInterrupt as interrupt:
            interrupts = 0 if any(interrupt.args) else interrupts + 1
            if not interrupts:  # it only ended a line that was begun
                continue
            talk.say("Ctrl-C again, /quit or Ctrl-D ends the chat" if interrupts == 1 else "")
            continue
        interrupts = 0
        if line and not _turn(talk, line):
            return


def _turn(talk: Chat, line: str) -> bool:
    """Carry out one line, and return whether the chat goes on. Errors and interrupts are printed."""
    try:
        talk.carry_out(line)
    except EOFError:  # /quit, or the end of the input at a question
        return False
    except KeyboardInterrupt:
        kept = talk.describe_kept()
        talk.say(f"\nstopped{f'; {kept}' if kept else ''}")
    except Exception as error:  # noqa: BLE001 - one failed request must not end the chat
        report_error(error, as_json=False)
    return True
