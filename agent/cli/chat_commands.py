"""The commands of `dubito chat`: what each is called, what follows it, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import groupby
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

from agent.cli import chat_files
from agent.cli.chat_completion import (
    Values,
    list_added_files,
    list_bounds,
    list_functions_of_file,
    list_models,
    list_nothing,
    list_policies,
    list_strategies,
)
from agent.cli.inputs import read_source
from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.views.numbers import format_count

if TYPE_CHECKING:
    from agent.cli.conversing import Chat
    from agent.program.examples.example import Example

_MEANT = {"exit": "/quit", "q": "/quit", "bye": "/quit", "clear": "/new", "reset": "/new", "?": "/help"}
_LEAST_HELP = 15  # columns beside a command, for the text
_ANSWERS = ("y", "n", "yes", "no")


class Command(NamedTuple):
    """A command of the chat: what may follow it, its line in the help, and what carries it out."""

    usage: str
    help: str
    act: Callable[[Chat, str], None]
    takes_path: bool = False
    values: Values = list_nothing  # what else a Tab completes behind it


def find_command(word: str) -> Command:
    """Return a command by its word. Raises InvalidRequestError with the nearest for an unknown one."""
    if (name := word.lower()) in COMMANDS:
        return COMMANDS[name]
    near = get_close_matches(name, COMMANDS, n=1)
    raise InvalidRequestError(
        f"{quote(word)} is no command; {f'did you mean {near[0]}?' if near else '/help lists them'}"
    )


def find_meant(line: str) -> str:
    """Return what to say to a word that was typed alone and means a command or an answer; nothing for a request."""
    word = line.strip().lower().rstrip("!.")
    if word in _ANSWERS:
        return f"`{word}` answers no question here; say what to write, or how to change it"
    command = _MEANT.get(word, f"/{word}")
    return f"`{word}` is a command with a slash: {command}" if command in COMMANDS else ""


def _help(chat: Chat, rest: str) -> None:
    width = min(chat.console.width, 100)
    lines = ["Say what to write, how to change it, or ask about it. Alt-Enter begins a line."]
    for (usage, text), names in groupby(COMMANDS, key=lambda name: COMMANDS[name][:2]):
        label = f"  {' '.join([*names, usage])}".rstrip()
        if width - len(label) < _LEAST_HELP:
            lines.append(label)
            label = ""
        lines.append(fill(text, width, initial_indent=f"{label:<17} ", subsequent_indent=" " * 18))
    chat.say("\n".join(lines))


def _quit(chat: Chat, rest: str) -> None:
    raise EOFError


def _tests(chat: Chat, rest: str) -> None:
    if rest in ("", "none"):
        _list_tests(chat, drops=bool(rest))
        return
    pasted = "\n" in rest or rest.startswith(("assert ", ">>>"))
    text = rest if pasted else read_source(chat_files.read_path(rest, "/tests"), "the tests")
    name = "the tests" if pasted else rest
    chat.conversation = chat.conversation.add_tests(text, name)
    read = chat.conversation.read_tests(text, name)
    chat.view().show_unread(read)
    if chat.conversation.program:
        _verify(chat, chat.conversation.runnable, read.examples)
    chat.say("kept for what follows; `/tests none` drops them")


def _list_tests(chat: Chat, *, drops: bool) -> None:
    """Show the tests that each program must pass, or forget them."""
    tests = [text.strip() for text in chat.conversation.tests]
    if drops:
        chat.conversation = replace(chat.conversation, tests=())
    chat.say("\n".join(["these tests are dropped:" if drops else "tests:", *tests]) if tests else "there are no tests")


def _verify(chat: Chat, program: str, examples: Sequence[Example]) -> bool:
    """Run a program on examples, and say whether it passes."""
    from agent.program.failures import describe_failure
    from agent.verification.examples import verify_steadily

    verdict = verify_steadily(chat.agent.sandbox, program, examples)
    if verdict.passed:
        chat.say(f"✓ the program passes {format_count(verdict.checked, 'test')}" if examples else "? no test checks it")
    else:
        failures = "\n".join(f"✗ {describe_failure(each)}" for each in verdict.failures[:5])
        chat.say(f"{failures}\nsay how to change it{', or /retry' if chat.turn else ''}")
    return verdict.passed


def _run(chat: Chat, rest: str) -> None:
    call = f"\nprint(repr({rest}))\n" if rest else ""
    chat.require_program()
    execution = chat.agent.sandbox.run(chat.conversation.runnable + call)
    chat.say((execution.stdout + execution.stderr).rstrip("\n") or f"{execution.verdict}: nothing was printed")


def _retry(chat: Chat, rest: str) -> None:
    chat.retry()


def _back(chat: Chat, rest: str) -> None:
    chat.go_back()


def _show(chat: Chat, rest: str) -> None:
    chat.require_program()
    chat.show_code()


def _fill(chat: Chat, rest: str) -> None:
    from agent.program.holes import find_holes
    from agent.program.partial_text import write_partial
    from agent.views.fill import report_filled_file
    from agent.workflow.fill import fill_holes

    turn = chat.require_turn()
    best = turn.result.best
    if not best.holes:
        raise InvalidRequestError("the program has no hole to fill; /retry writes another one")
    partial = write_partial(best.program, best.holes)
    filled = fill_holes(turn.agent.context(), partial, find_holes(partial, "the program"))
    chat.say(report_filled_file(filled).text)
    if filled.program == best.program:
        chat.say("the program stays as it was")
    elif _verify(chat, turn.task.runnable(filled.program), chat.conversation.list_examples()):
        chat.keep_program(turn.task, filled.program)


def _holes(chat: Chat, rest: str) -> None:
    from agent.views.alternatives import list_alternatives
    from agent.views.holes import ProgramWithHoles, draw_program, say_holes

    best = chat.require_turn().result.best
    shown = ProgramWithHoles(best.program, best.holes, best.guarantee, bool(best.failures), list_alternatives(best))
    chat.view().draw(draw_program(shown))
    chat.say("\n".join(say_holes(shown)))


def _heat(chat: Chat, rest: str) -> None:
    from agent.views.heat import draw_heat
    from agent.workflow.heat import measure_heat

    turn = chat.require_turn()
    spans = measure_heat(turn.agent.context(), turn.task, turn.result.best)
    chat.view().draw(draw_heat(turn.result.best.program, spans))


def _alternatives(chat: Chat, rest: str) -> None:
    from agent.views.heat import list_forks

    chat.say("\n".join(list_forks(chat.require_turn().result.best)) or "the model was nowhere in doubt")


def _tree(chat: Chat, rest: str) -> None:
    chat.view().show_tree(chat.turn.result if chat.turn else None, rest)


def _set(name: str) -> Callable[[Chat, str], None]:
    """Return what shows an option without a value, changes it with one, and goes back to the start's with `default`."""

    def act(chat: Chat, rest: str) -> None:
        if rest:
            chat.change_agent(**{name: chat.start[name] if rest == "default" else rest})
        chat.say(f"{name}: {_describe_option(chat, name)}")

    return act


def _describe_option(chat: Chat, name: str) -> str:
    """Return the value in force of an option that a chat may change."""
    from dataclasses import asdict

    checked = chat.agent.checked
    if name == "policy":
        return str(checked.policy)
    config = getattr(checked.strategy, "config", None)
    if name == "budget" and config:
        bounds = {part: bound for part, bound in asdict(config.budget).items() if bound is not None}
        return ",".join(f"{part}={bound:g}" for part, bound in bounds.items())
    return getattr(checked.options, name) or "as by default"


def _new(chat: Chat, rest: str) -> None:
    from agent.program.conversation import Conversation

    had_tests = bool(chat.conversation.tests)
    chat.begin(Conversation(files=chat.conversation.files))
    kept = "; the files that were added are still shown" if chat.conversation.files else ""
    chat.say(f"a new program{', and the tests are dropped' if had_tests else ''}{kept}")


_OPTION = ("[X]", "show or change it; `default` goes back")
COMMANDS: Mapping[str, Command] = {
    "/help": Command("", "show this", _help),
    "/quit": Command("", "end the chat; so does Ctrl-D, or Ctrl-C twice", _quit),
    "/file": Command(
        "FILE [NAME]",
        "open a file, or a function of it, to change it",
        chat_files.open_path,
        True,
        list_functions_of_file,
    ),
    "/add": Command("FILE", "show a file to the model", chat_files.add_file, takes_path=True),
    "/drop": Command("FILE", "show it no more", chat_files.drop_file, values=list_added_files),
    "/tests": Command("FILE", "run and keep asserts, typed or in a file; `none` drops", _tests, takes_path=True),
    "/run": Command("[CALL]", "run the program, or a call of it, in the sandbox", _run),
    "/show": Command("", "show the whole program", _show),
    "/retry": Command("", "write the last request again, with other samples", _retry),
    "/back": Command("", "go back to the program before the last change", _back),
    "/holes": Command("", "show what of the program is in doubt, and guaranteed", _holes),
    "/fill": Command("", "fill these holes anew", _fill),
    "/heat": Command("", "colour the program by the model's doubt", _heat),
    "/alternatives": Command("", "what else the model considered", _alternatives),
    "/tree": Command("[N]", "all programs of the last request, or number N in full", _tree),
    "/write": Command("[FILE]", "put the program into a file; asks before a change", chat_files.write_answer, True),
    "/undo": Command("", "take back what this chat wrote last; asks", chat_files.undo_write),
    "/policy": Command(*_OPTION, _set("policy"), values=list_policies),
    "/strategy": Command(*_OPTION, _set("strategy"), values=list_strategies),
    "/budget": Command(*_OPTION, _set("budget"), values=list_bounds),
    "/model": Command(*_OPTION, _set("model"), values=list_models),
    "/new": Command("", "forget the program and its tests; begin another", _new),
    "/trace": Command("FILE", "write the next request's steps to a new file", chat_files.write_trace, takes_path=True),
    "/save": Command("FILE", "save the conversation", chat_files.save_chat, takes_path=True),
    "/load": Command("FILE", "go on with one that was saved", chat_files.load_chat, takes_path=True),
}
