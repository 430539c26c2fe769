"""Carry out one prompt of a session: begin the turn, ask at its pauses, show what comes of it, offer the change."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from agent.errors import DubitoError, InvalidRequestError
from agent.files.changes import write_diff
from agent.records import Attempt, Event
from agent.servers.acp.blocks import Files, PromptContent, SharedFile
from agent.servers.acp.channel import SessionChannel, wait_unless
from agent.servers.acp.permissions import allows_writing, ask_question, ask_to_write, read_reply
from agent.servers.acp.sessions import ASK_MODE, Message, PanelSession, PromptTurn, SessionFolder, Target, TurnAnswer
from agent.servers.desk import Desk
from agent.views.markdown import escape_markdown, fence

if TYPE_CHECKING:  # they import torch
    from collections.abc import Callable

    from agent.servers.acp.turns import BegunTurn, PromptTurns

_Outcome = TypeVar("_Outcome")


class Talk:
    """One prompt of a session, from its words to the change of a file."""

    def __init__(
        self, session: PanelSession, prompt: PromptTurn, channel: SessionChannel, files: Files, desk: Desk[PromptTurns]
    ) -> None:
        self._session, self._prompt, self._channel, self._files, self._desk = session, prompt, channel, files, desk

    async def carry_out(self, content: PromptContent, folder: SessionFolder) -> None:
        """Answer a prompt, keep the session, and offer the change of its file. Raises what a run raises."""
        session = self._session
        file = next((each for each in content.files if each.is_module), None) or await self._read_target(content)
        last = session.target.function if session.target and file and file.path == session.target.path else None
        asks = session.mode == ASK_MODE
        turn = await wait_unless(
            self._prompt.cancelled,
            self._do(lambda turns: turns.begin(session.conversation, content, file, last, asks=asks)),
        )
        if turn is None:  # nobody has to wait for a model that is being loaded
            return
        for note in turn.notes:
            await self._channel.say(f"{escape_markdown(note)}\n\n")
        answer = await (self._explain(turn) if turn.rounds is None else self._run(turn))
        session.messages += [Message("user", content.shown), Message("agent", answer.message)]
        if answer.conversation is not None:
            session.conversation = answer.conversation
            session.target = Target(turn.file.path, answer.function) if turn.file and turn.file.path else None
        await self._keep(folder)
        if turn.file is not None and answer.new is not None and not self._prompt.stop.is_set():
            await self._offer(turn.file, answer)

    async def _read_target(self, content: PromptContent) -> SharedFile | None:
        """Return the file that the conversation is about, as it is now; None where it has none, or it is gone."""
        target = self._session.target
        if target is None or content.files:
            return None
        try:
            return await self._files.read(target.path)
        except DubitoError as error:
            await self._channel.say(f"{escape_markdown(str(error))}\n\n")
            return None

    async def _do(self, job: Callable[[PromptTurns], _Outcome]) -> _Outcome:
        if not self._desk.is_ready:
            await self._channel.think("loading the model")
        return await self._desk.run(job, self._prompt.stop)

    async def _explain(self, turn: BegunTurn) -> TurnAnswer:
        """Answer a question in words, piece by piece."""
        say, wait = self._channel.say, self._channel.wait_for

        def speak(turns: PromptTurns) -> TurnAnswer:
            pieces = list[str]()
            for piece in turns.explain(turn, self._prompt.stop):
                pieces.append(piece)
                wait(say(piece))
            return TurnAnswer("".join(pieces))

        answer = await self._do(speak)
        await say("\n\n*The model's words: nothing checked them.*")
        return answer

    async def _run(self, turn: BegunTurn) -> TurnAnswer:
        """Run a turn to its end, ask at its questions, and show the result."""
        assert turn.rounds is not None, "words are answered by `_explain`"
        channel = self._channel
        await self._plan(turn)
        tell = partial(self._tell, turn)
        while True:
            outcome = await self._do(lambda turns: turns.advance(turn, tell, self._prompt.stop))
            if isinstance(outcome, TurnAnswer):
                break
            permission = ask_question(outcome, channel.number_call())
            await channel.begin_call(permission)
            reply = read_reply(await channel.ask(permission, self._prompt.cancelled), outcome)
            taken = "it decides by itself" if reply is None else f"chosen: {permission.options[reply].name}"
            await channel.end_call(permission, title=taken)
            turn.rounds.reply(reply)
        await channel.plan(turn.narrator.entries)
        await channel.say(outcome.message)
        return outcome

    def _tell(self, turn: BegunTurn, event: Event) -> None:
        """Tell an event, on the thread of the desk."""
        line = turn.narrator.tell(event)
        if isinstance(event, Attempt):
            if event.ran:
                self._channel.wait_for(self._plan(turn))
        elif line:
            self._channel.wait_for(self._channel.think(line))

    async def _plan(self, turn: BegunTurn) -> None:
        done = turn.narrator.entries
        await self._channel.plan(done, f"program {len(done) + 1}")

    async def _keep(self, folder: SessionFolder) -> None:
        try:
            folder.save(self._session)
        except DubitoError as error:
            await self._channel.say(f"\n\nThis session is not kept: {escape_markdown(str(error))}.")

    async def _offer(self, file: SharedFile, answer: TurnAnswer) -> None:
        """Show the change of a file, and write it where the person agrees."""
        assert file.path is not None and answer.new is not None, "a part of a file is not changed"
        if answer.new == file.text:
            await self._channel.say(f"\n\n{escape_markdown(file.name)} stays as it was: it holds the answer already.")
            return
        if not self._files.writes:
            diff = write_diff(file.text, answer.new, file.name)
            await self._channel.say(f"\n\nThis editor writes no files for agents. The change:\n\n{fence(diff, 'diff')}")
            return
        title = f"{answer.mark} Write {answer.function or 'the answer'} into {file.name}"
        permission = ask_to_write(title, file.path, file.text, answer.new, self._channel.number_call())
        await self._channel.begin_call(permission)
        failed, sentence = True, "nothing was written"
        if allows_writing(await self._channel.ask(permission, self._prompt.cancelled)):
            try:
                await self._write(file, answer.new)
                failed, sentence = False, f"wrote {file.name}"
            except DubitoError as error:
                sentence = str(error)
        await self._channel.end_call(permission, failed=failed)
        await self._channel.say(f"\n\n{escape_markdown(sentence[0].upper() + sentence[1:])}.")

    async def _write(self, file: SharedFile, new: str) -> None:
        """Let the client write a file. Raises InvalidRequestError where it was changed since it was read."""
        assert file.path is not None, "a part of a file is not written"
        if (await self._files.read(file.path)).text != file.text:
            raise InvalidRequestError(f"{file.name} was changed meanwhile, so nothing was written; try again")
        await self._files.write(file.path, new)
