"""The commands of `dubito chat`: what each is called, what follows it, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent.cli.inputs import build_task, read_source
from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.views.numbers import format_count

if TYPE_CHECKING:
    from agent.cli.conversing import Chat
    from agent.program.examples.example import Example

_DEFAULTS = {"model": None, "policy": None, "strategy": "adaptive", "budget": None}  # that a conversation may change


class Command(NamedTuple):
    """A command of the chat: what may follow it, its line in the help, and what carries it out."""

    usage: str
    help: str
    act: Callable[[Chat, str], None]
    takes_path: bool = False


def find_command(word: str) -> Command:
    """Return a command by its word. Raises InvalidRequestError with the nearest for an unknown one."""
    if (name := word.lower()) in COMMANDS:
        return COMMANDS[name]
    near = get_close_matches(name, COMMANDS, n=1)
    raise InvalidRequestError(
        f"{quote(word)} is no command; {f'did you mean {near[0]}?' if near else '/help lists them'}"
    )


def _help(chat: Chat, rest: str) -> None:
    lines = [f"  {f'{name} {each.usage}':<22}{each.help}" for name, each in COMMANDS.items()]
    head = "Say what to write, how to change it, or ask about it. Alt-Enter begins a new line."
    chat.say("\n".join([head, *lines]))


def _quit(chat: Chat, rest: str) -> None:
    raise EOFError


def _file(chat: Chat, rest: str) -> None:
    task = build_task(None, _read_path(rest, "/file"), None)
    if task.module is None:
        chat.write(task.request)
    else:
        chat.fill_stub(task)


def _add(chat: Chat, rest: str) -> None:
    from agent.program.conversation import check_beside

    code = read_source(_read_path(rest, "/add"), "the file")
    check_beside(rest, code)
    chat.conversation = chat.conversation.add_file(rest, code)
    chat.say(f"{rest} is shown to the model from now on")


def _drop(chat: Chat, rest: str) -> None:
    chat.conversation = chat.conversation.drop_file(str(_read_path(rest, "/drop")))
    chat.say(f"{rest} is not shown any more")


def _tests(chat: Chat, rest: str) -> None:
    if rest in ("", "none"):
        _list_tests(chat, drops=bool(rest))
        return
    pasted = "\n" in rest or rest.startswith(("assert ", ">>>"))
    text = rest if pasted else read_source(_read_path(rest, "/tests"), "the tests")
    chat.conversation = chat.conversation.add_tests(text)
    if chat.conversation.program:
        _verify(chat, chat.conversation.program, chat.conversation.read_tests(text))
    chat.say("kept for what follows; `/tests none` drops them")


def _list_tests(chat: Chat, *, drops: bool) -> None:
    """Show the tests that each program must pass, or forget them."""
    tests = [text.strip() for text in chat.conversation.tests]
    if drops:
        chat.conversation = replace(chat.conversation, tests=())
    chat.say("\n".join(["no tests any more" if drops else "tests:", *tests]) if tests else "there are no tests")


def _verify(chat: Chat, program: str, examples: Sequence[Example]) -> bool:
    """Run a program on examples, and say whether it passes."""
    from agent.program.failures import describe_failure
    from agent.verification.examples import verify_steadily

    verdict = verify_steadily(chat.agent.sandbox, program, examples)
    if verdict.passed:
        chat.say(f"✓ the program passes {format_count(verdict.checked, 'test')}" if examples else "? no test checks it")
    else:
        failures = "\n".join(f"✗ {describe_failure(each)}" for each in verdict.failures[:5])
        chat.say(f"{failures}\nsay how to change it, or /retry")
    return verdict.passed


def _run(chat: Chat, rest: str) -> None:
    call = f"\nprint(repr({rest}))\n" if rest else ""
    execution = chat.agent.sandbox.run(chat.require_program() + call)
    chat.say((execution.stdout + execution.stderr).rstrip("\n") or f"{execution.verdict}: nothing was printed")


def _retry(chat: Chat, rest: str) -> None:
    chat.retry()


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
    elif _verify(chat, filled.program, chat.conversation.list_examples()):
        chat.keep_program(filled.program)


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
    """Return what shows an option without a value, changes it with one, and resets it with `default`."""

    def act(chat: Chat, rest: str) -> None:
        if rest:
            chat.change_agent(**{name: _DEFAULTS[name] if rest == "default" else rest})
        else:
            chat.say(f"{name}: {getattr(chat.agent.checked.options, name) or 'as by default'}")

    return act


def _write(chat: Chat, rest: str) -> None:
    from agent.cli.writing import find_confirm, plan_answer, write_edit
    from agent.program.task import Task

    program, path = chat.require_program(), _read_path(rest, "/write")
    turn = chat.turn
    is_of_turn = turn is not None and turn.result.best.program == program
    task = turn.task if turn and is_of_turn else Task(chat.line, entry_point=chat.conversation.name)
    write_edit(plan_answer(path, task, program), confirm=find_confirm())


def _undo(chat: Chat, rest: str) -> None:
    from agent.files.edits import undo_last

    undone = undo_last()
    chat.say(f"{undone.path} is gone again" if undone.is_gone else f"{undone.path} is as it was before the last /write")


def _trace(chat: Chat, rest: str) -> None:
    path = _read_path(rest, "/trace")
    if path.exists():
        raise InvalidRequestError(f"{quote(rest)} exists, and a trace never replaces a file; choose another name")
    chat.trace = path
    chat.say(f"the steps of the next request go into {chat.trace}")


def _save(chat: Chat, rest: str) -> None:
    from agent.files.access import write_whole
    from agent.program.saved_chat import SavedChat, is_chat, write_chat

    saved = SavedChat(chat.conversation, {name: getattr(chat.agent.checked.options, name) for name in _DEFAULTS})
    write_whole(_read_path(rest, "/save"), write_chat(saved), is_ours=is_chat)
    chat.say(f"saved in {rest}; /load {rest} goes on with it")


def _load(chat: Chat, rest: str) -> None:
    from agent.program.saved_chat import read_chat

    saved = read_chat(read_source(_read_path(rest, "/load"), "the session"), rest)
    now = {name: getattr(chat.agent.checked.options, name) for name in _DEFAULTS}
    if changed := {name: value for name, value in saved.options.items() if now.get(name, value) != value}:
        chat.change_agent(**changed)
    chat.begin(saved.conversation)
    count = format_count(len(saved.conversation.requests), "request")
    chat.say(
        f"{count} and the program are back; /retry and /holes need a new request"
        if saved.conversation.program
        else "loaded"
    )


def _new(chat: Chat, rest: str) -> None:
    from agent.program.conversation import Conversation

    chat.begin(Conversation(files=chat.conversation.files))
    chat.say("a new program; the files that were added are still shown")


def _read_path(rest: str, command: str) -> Path:
    if not rest:
        raise InvalidRequestError(f"{command} came without a path; wanted one, as in {command} notes.py")
    return Path(rest).expanduser()


COMMANDS: Mapping[str, Command] = {
    "/help": Command("", "show this", _help),
    "/quit": Command("", "end the chat; so does Ctrl-D, or Ctrl-C twice; once, it stops what is written", _quit),
    "/file": Command("FILE", "complete the Python in a file", _file, takes_path=True),
    "/add": Command("FILE", "show a file to the model", _add, takes_path=True),
    "/drop": Command("FILE", "show it no more", _drop, takes_path=True),
    "/tests": Command("FILE", "run the program on asserts, and keep them; `none` drops them", _tests, True),
    "/run": Command("[CALL]", "run the program, or a call of it, in the sandbox", _run),
    "/retry": Command("", "write the last request again, with other samples", _retry),
    "/holes": Command("", "show the program without what is in doubt, and what is guaranteed", _holes),
    "/fill": Command("", "fill these holes anew", _fill),
    "/heat": Command("", "colour the program by the model's doubt", _heat),
    "/alternatives": Command("", "what else the model considered", _alternatives),
    "/tree": Command("[N]", "every program of the last request, or program N in full", _tree),
    "/write": Command("FILE", "put the program into a file; shows the change of an old one, and asks", _write, True),
    "/undo": Command("", "take the last change of a file back, also of an earlier chat", _undo),
    "/policy": Command("[NAME]", "show or change how tokens are chosen", _set("policy")),
    "/strategy": Command("[NAME]", "show or change how the budget is spent", _set("strategy")),
    "/budget": Command("[BOUNDS]", "show or change it, as in seconds=60", _set("budget")),
    "/model": Command("[NAME]", "show or change the model", _set("model")),
    "/new": Command("", "forget the program, and begin another", _new),
    "/trace": Command("FILE", "write the steps of the next request to a new file", _trace, takes_path=True),
    "/save": Command("FILE", "save the conversation", _save, takes_path=True),
    "/load": Command("FILE", "go on with one that was saved", _load, takes_path=True),
}
