"""Turns of a chat whose model writes what it is told to. Made for tests."""

from __future__ import annotations

from typing import Any

from trie import PLAIN_CHAT, TrieLM

from agent.cli.agent_options import Agent, AgentOptions
from agent.cli.conversing import Chat
from agent.decoding import POLICIES
from agent.program.failures import Failure, FailureKind
from agent.records import Answer, Attempt, Cost, RunOutcome
from agent.workflow.run import Result

OPTIONS = {
    "model": "models/tiny", "policy": None, "threshold": None, "strategy": "adaptive", "programs": None, "ask": False,
    "budget": None, "order": None, "min_probability": 0.0, "max_tokens": 64, "sandbox": "process", "seed": 0,
    "device": None, "weights": "auto", "prompt_style": "auto",
}  # fmt: skip


class ToldChat(Chat):
    """A chat whose turns end as they are told to: a program, nothing, or an exception."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(agent)
        self.asked: list[Any] = []  # the task of each turn, and the text that it changes
        self.told: list[Any] = []
        self.unchecked = False

    def _solve(self, task, before):
        self.asked.append((task, before))
        told = self.told.pop(0)
        told = told(task) if callable(told) else told
        if isinstance(told, BaseException):
            raise told
        failed, failures = not told, (Failure(FailureKind.RETURNED, 0, "total([1, 2])", "1", "3"),)
        verdict, program = "failed" if failed else "passed", told or "def total(xs): ..."
        attempt = Attempt(
            0, (), (), (), "", program, program, (), verdict, int(not self.unchecked), failures if failed else ()
        )
        result = Result(
            task, RunOutcome("abstained" if failed else "accepted"), [attempt], Cost(), Answer(0), "visible"
        )
        self.view().finish(result, before=before)
        return result


def open_chat(sandbox) -> ToldChat:
    """Return a chat in a sandbox."""
    model = TrieLM({"It sums.": 1.0}).model(style=PLAIN_CHAT)
    return ToldChat(Agent(AgentOptions.take(OPTIONS).check(), model, POLICIES["greedy"], sandbox))


def answer(monkeypatch, *answers: str) -> list[str]:
    """Let a person at a terminal give these answers; return the list that receives the questions."""
    questions, left = [], list(answers)

    def prompt(question, **options):
        questions.append(question)
        return left.pop(0)

    monkeypatch.setattr("agent.cli.writing.find_confirm", lambda: lambda question: True)
    monkeypatch.setattr("typer.prompt", prompt)
    return questions


def said(capsys) -> str:
    shown = capsys.readouterr()
    return " ".join((shown.out + shown.err).split())


def tell(chat: Chat, *turns: tuple[str, Any]) -> None:
    for line, told in turns:
        chat.told.append(told)
        chat.carry_out(line)
