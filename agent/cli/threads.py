"""`dubito threads`: the runs of `solve --thread`. Imports neither torch nor langgraph."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.commands import plain_typer
from agent.cli.completion import complete_thread
from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.views.say import say, show

threads = plain_typer(name="threads", help="List, show and remove the runs of `solve --thread`.")
_NAME_HELP = "A name that `dubito threads list` shows."
ThreadArgument = Annotated[str, typer.Argument(help=_NAME_HELP, autocompletion=complete_thread)]
ThreadsArgument = Annotated[list[str], typer.Argument(help=_NAME_HELP, autocompletion=complete_thread)]


@threads.command("list")
def threads_list(as_json: JsonOption = False) -> None:
    """List the named runs, the newest first: whether each has ended, when it was written, and what it is about.

    Example: dubito threads list
    """
    with report_errors(as_json):
        from agent.views.threads import describe_named_runs
        from agent.workflow.named_runs import list_runs

        show(describe_named_runs(list_runs()), as_json=as_json)


@threads.command("show")
def threads_show(name: ThreadArgument, as_json: JsonOption = False) -> None:
    """Show a named run: its request, its programs so far, and the command that goes on with it.

    Example: dubito threads show mine
    """
    with report_errors(as_json):
        from agent.views.threads import describe_named_run
        from agent.workflow.named_runs import load_run

        show(describe_named_run(load_run(name)), as_json=as_json)


@threads.command("remove")
def threads_remove(names: ThreadsArgument) -> None:
    """Remove named runs, all of them or, where one of the names is wrong, none.

    Example: dubito threads remove mine
    """
    with report_errors(as_json=False):
        from agent.views.threads import describe_removal
        from agent.workflow.named_runs import remove_runs

        say(describe_removal(remove_runs(names)), err=True)
