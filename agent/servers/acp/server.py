"""Answer the Agent Client Protocol over stdin and stdout: sessions, prompts, permissions. Imports nothing slow."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from acp import PROTOCOL_VERSION, RequestError
from acp.agent.connection import AgentSideConnection
from acp.schema import (
    AgentCapabilities,
    AuthenticateResponse,
    ClientCapabilities,
    Implementation,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PromptCapabilities,
    PromptResponse,
    SessionCapabilities,
    SessionInfo,
    SessionListCapabilities,
    SessionMode,
    SessionModeState,
    SetSessionModeResponse,
)
from pydantic import ValidationError

from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.servers.acp.blocks import Files, read_blocks
from agent.servers.acp.channel import SessionChannel
from agent.servers.acp.sessions import ASK_MODE, AUTO_MODE, PanelSession, PromptTurn, SessionFolder, begin_session
from agent.servers.acp.talk import Talk
from agent.servers.desk import Desk
from agent.servers.model_thread import WithdrawnError
from agent.servers.wire import Wire

if TYPE_CHECKING:
    from agent.servers.acp.turns import PromptTurns

_INVALID_PARAMS, _INTERNAL_ERROR = -32602, -32603
_MODES = [
    SessionMode(id=AUTO_MODE, name="Auto", description="Looks ahead by itself where the model is in doubt."),
    SessionMode(id=ASK_MODE, name="Ask", description="Asks you where the model is in doubt or programs differ."),
]


class Explained(NamedTuple):
    """An error as a sentence, and whether the request is to blame for it."""

    sentence: str
    is_request: bool


class DubitoAgent:
    """The agent's side of the protocol.

    desk: writes programs. folder: keeps sessions. explain: says what an error means. mode: of new sessions.
    """

    def __init__(
        self, desk: Desk[PromptTurns], folder: SessionFolder, explain: Callable[[BaseException], Explained], mode: str
    ) -> None:
        self._desk, self._folder, self._explain, self._mode = desk, folder, explain, mode
        self._sessions = dict[str, PanelSession]()
        self._client: Any = None
        self._capabilities: ClientCapabilities | None = None

    def on_connect(self, conn: Any) -> None:
        """Take the connection to the client."""
        self._client = conn

    async def initialize(
        self, protocol_version: int, client_capabilities: ClientCapabilities | None = None, **others: Any
    ) -> InitializeResponse:
        """Say what the agent can do."""
        self._capabilities = client_capabilities
        return InitializeResponse(
            protocol_version=PROTOCOL_VERSION,
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(embedded_context=True),
                session_capabilities=SessionCapabilities(list=SessionListCapabilities()),
            ),
            agent_info=Implementation(name="dubito", title="Dubito", version=version("dubito")),
            auth_methods=[],
        )

    async def authenticate(self, method_id: str, **others: Any) -> AuthenticateResponse:
        """Do nothing: the model runs on this machine."""
        return AuthenticateResponse()

    async def new_session(self, cwd: str, **others: Any) -> NewSessionResponse:
        """Begin a session."""
        session = begin_session(cwd, self._mode)
        self._sessions[session.id] = session
        return NewSessionResponse(session_id=session.id, modes=_describe_modes(session))

    async def load_session(self, cwd: str, session_id: str, **others: Any) -> LoadSessionResponse:
        """Go on with a session that was kept, and show what was said in it."""
        with self._answering():
            session = self._sessions.get(session_id) or self._folder.load(session_id)
            session.cwd = cwd
            self._sessions[session.id] = session
            channel = SessionChannel(self._client, session.id)
            for message in session.messages:
                await channel.repeat(message.role, message.text)
            return LoadSessionResponse(modes=_describe_modes(session))

    async def list_sessions(self, cwd: str | None = None, **others: Any) -> ListSessionsResponse:
        """List the sessions that are kept."""
        with self._answering():
            kept = self._folder.list_kept(cwd)
            return ListSessionsResponse(
                sessions=[SessionInfo(session_id=a.id, cwd=a.cwd, title=a.title, updated_at=a.updated) for a in kept]
            )

    async def set_session_mode(self, mode_id: str, session_id: str, **others: Any) -> SetSessionModeResponse:
        """Change whether a session asks at its pauses."""
        with self._answering():
            session = self._find(session_id)
            if mode_id not in (AUTO_MODE, ASK_MODE):
                raise InvalidRequestError(f"there is no mode {quote(mode_id)}; choose from {AUTO_MODE}, {ASK_MODE}")
            session.mode = mode_id
            return SetSessionModeResponse()

    async def prompt(self, prompt: list[Any], session_id: str, **others: Any) -> PromptResponse:
        """Answer a prompt. A cancelled one keeps what there is."""
        with self._answering():
            session = self._find(session_id)
            if session.prompt is not None:
                raise InvalidRequestError("this session is still answering; wait for it, or cancel it")
            turn = session.prompt = PromptTurn(Event(), asyncio.Event())
            files = Files(self._client, self._capabilities, session.id, session.cwd)
            try:
                content = await read_blocks(prompt, files)
                await Talk(session, turn, SessionChannel(self._client, session.id), files, self._desk).carry_out(
                    content, self._folder
                )
            except WithdrawnError:
                pass  # it was cancelled before its turn came
            finally:
                session.prompt = None
            return PromptResponse(stop_reason="cancelled" if turn.stop.is_set() else "end_turn")

    async def cancel(self, session_id: str, **others: Any) -> None:
        """Stop what a session is doing."""
        session = self._sessions.get(session_id)
        prompt = session.prompt if session else None
        if prompt is not None and not prompt.stop.is_set():  # once is enough, and what follows is to be shown
            prompt.cancelled.set()
            self._desk.withdraw(prompt.stop)

    def _find(self, session_id: str) -> PanelSession:
        if session_id not in self._sessions:
            raise InvalidRequestError(f"there is no session {quote(session_id)} here; begin or load it first")
        return self._sessions[session_id]

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn each error into the protocol's own."""
        try:
            yield
        except (RequestError, ValidationError, ConnectionError):
            raise
        except Exception as error:
            explained = self._explain(error)
            raise RequestError(
                _INVALID_PARAMS if explained.is_request else _INTERNAL_ERROR, explained.sentence
            ) from error


async def serve(agent: DubitoAgent, desk: Desk[PromptTurns], streams: tuple[int, int]) -> None:
    """Answer a client until it closes its side, or the process is told to end."""
    wire = Wire(*streams)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, wire.end)
    connection = AgentSideConnection(cast(Any, agent), wire, listening=False)
    desk.warm()
    try:
        await connection.listen()
    finally:
        await connection.close()
        await desk.close()


def _describe_modes(session: PanelSession) -> SessionModeState:
    return SessionModeState(current_mode_id=session.mode, available_modes=_MODES)
