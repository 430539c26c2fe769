"""Answer the Model Context Protocol over stdin and stdout: three tools, questions, progress. Imports nothing slow."""

from __future__ import annotations

import asyncio
import signal
from collections import OrderedDict
from collections.abc import Callable
from importlib.metadata import version
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import uuid4

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ElicitRequest,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, ValidationError

from agent.errors import InvalidRequestError
from agent.messages import flatten, quote, shorten_repr
from agent.records import CandidateQuestion, OutputQuestion, Question
from agent.servers.desk import Desk
from agent.servers.mcp.questions import can_elicit, read_form, write_form
from agent.servers.mcp.records import (
    CheckArguments,
    Checked,
    Doubts,
    DoubtsArguments,
    Solution,
    SolveArguments,
)
from agent.servers.mcp.reports import CallProgress, write_check, write_doubts
from agent.servers.mcp.streams import open_streams
from agent.servers.wire import Wire

if TYPE_CHECKING:  # it imports torch
    from agent.servers.mcp.tools import Solving, Tools

_MOST_WAITING = 8  # runs that wait for an answer; the oldest is given up for another
_ANSWER = "answer"
_INSTRUCTIONS = (
    "Dubito writes and checks Python with a small local model that says where it is unsure. Use `check` to run code on "
    "examples in a sandbox, `doubts` to see which parts of code a model finds unlikely, and `solve` to have a function "
    "written that is run on its examples."
)
_Outcome = TypeVar("_Outcome")
_Context = ServerRequestContext[Any, Any]


class _Kind(NamedTuple):
    """A tool as clients see it."""

    title: str
    description: str
    takes: type[BaseModel]
    gives: type[BaseModel]


TOOLS = {
    "doubts": _Kind(
        "Find doubtful code",
        "Let the local model read Python, and return the places where it would clearly have written something else, "
        "with its alternatives. It runs nothing, and guarantees nothing: a doubt is a place to look at.",
        DoubtsArguments,
        Doubts,
    ),
    "check": _Kind(
        "Check code on examples",
        "Run Python in a sandbox on examples, and return which of them pass, what came and what was wanted.",
        CheckArguments,
        Checked,
    ),
    "solve": _Kind(
        "Write a function",
        "Let the local model write Python for a request, run it on the examples in it, and search on where it fails. "
        "The claim says how far the answer was checked. It takes seconds to minutes.",
        SolveArguments,
        Solution,
    ),
}


class ToolServer:
    """The server's side of the protocol. desk: does the work. explain: says in one sentence what an error means."""

    def __init__(self, desk: Desk[Tools], explain: Callable[[BaseException], str]) -> None:
        self._desk, self._explain = desk, explain
        self._waiting = OrderedDict[str, _Waiting]()

    def open(self) -> Server[Any]:
        """Return the library's server with these tools."""
        return Server(
            "dubito", title="Dubito", version=version("dubito"), instructions=_INSTRUCTIONS,
            on_list_tools=self.list_tools, on_call_tool=self.call_tool,
        )  # fmt: skip

    async def list_tools(self, context: _Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        """List the tools."""
        hints = ToolAnnotations(read_only_hint=True, open_world_hint=False)
        return ListToolsResult(
            tools=[
                Tool(
                    name=name, title=kind.title, description=kind.description, annotations=hints,
                    input_schema=kind.takes.model_json_schema(), output_schema=kind.gives.model_json_schema(),
                )
                for name, kind in TOOLS.items()
            ]
        )  # fmt: skip

    async def call_tool(self, context: _Context, params: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        """Call a tool. What goes wrong in it is a result with one sentence; a tool that is none is an error."""
        if params.name not in TOOLS:
            raise MCPError(INVALID_PARAMS, f"there is no tool {quote(params.name)}; choose from {', '.join(TOOLS)}")
        try:
            given = TOOLS[params.name].takes.model_validate(params.arguments or {})
            return await self._call(_Call(context, params, CallProgress(context)), given)
        except ValidationError as error:
            return _refuse(_explain_arguments(params.name, error))
        except MCPError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is its result, and the server lives on
            return _refuse(self._explain(error))

    async def _call(self, call: _Call, given: BaseModel) -> CallToolResult | InputRequiredResult:
        stop = Event()
        if not self._desk.is_ready:
            await call.progress.tell("loading the model")
        match given:
            case DoubtsArguments():
                doubts = await self._desk.run(lambda tools: tools.doubts(given, stop), stop)
                return _give(doubts, write_doubts(doubts))
            case CheckArguments():
                checked = await self._desk.run(lambda tools: tools.check(given, stop), stop)
                return _give(checked, write_check(checked))
            case SolveArguments():
                return await self._solve(call, given, stop)
        raise AssertionError("each tool has its arguments")

    async def _solve(self, call: _Call, given: SolveArguments, stop: Event) -> CallToolResult | InputRequiredResult:
        """Solve a request, or go on with the run that waits for the answer in this call."""
        if call.params.request_state is None:
            can_ask = can_elicit(call.context.session.client_capabilities)
            solving = await self._desk.run(lambda tools: tools.begin(given, can_ask=can_ask), stop)
        else:
            solving = self._take_waiting(call.params)
        tell = call.progress.follow(solving.narrator)
        while True:
            outcome = await self._desk.run(lambda tools: tools.advance(solving, tell, stop), stop)
            if not isinstance(outcome, CandidateQuestion | OutputQuestion):
                return _give(outcome.record, outcome.text)
            if not call.context.session.can_send_request:  # since 2026-07-28 the client calls again with the answer
                return self._wait(solving, outcome)
            solving.rounds.reply(await _elicit(call.context, outcome))

    def _wait(self, solving: Solving, question: Question) -> InputRequiredResult:
        """Keep a run until the client calls again, and return the question."""
        number = uuid4().hex
        self._waiting[number] = _Waiting(solving, question)
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popitem(last=False)
        return InputRequiredResult(
            input_requests={_ANSWER: ElicitRequest(params=write_form(question))}, request_state=number
        )

    def _take_waiting(self, params: CallToolRequestParams) -> Solving:
        waiting = self._waiting.pop(params.request_state or "", None)
        if waiting is None:
            raise InvalidRequestError("this run waits for no answer any more; call solve again")
        answer = (params.input_responses or {}).get(_ANSWER)
        waiting.solving.rounds.reply(read_form(answer, waiting.question))
        return waiting.solving


async def _elicit(context: _Context, question: Question) -> int | str | None:
    """Put a question to a client of the older protocol; None where it gives no answer."""
    form = write_form(question)
    try:
        result = await context.session.elicit_form(form.message, form.requested_schema, context.request_id)
    except (MCPError, ValidationError):
        return None
    return read_form(result, question)


class _Call(NamedTuple):
    context: _Context
    params: CallToolRequestParams
    progress: CallProgress


class _Waiting(NamedTuple):
    solving: Solving
    question: Question


async def serve(server: ToolServer, desk: Desk[Tools], streams: tuple[int, int]) -> None:
    """Answer a client until it closes its side, or the process is told to end."""
    wire, opened = Wire(*streams), server.open()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, wire.end)
    desk.warm(lambda tools: tools.warm())
    try:
        async with open_streams(wire) as (read, write):
            await opened.run(read, write, opened.create_initialization_options())
    finally:
        await wire.close()
        await desk.close()


def _give(record: BaseModel, text: str) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=record.model_dump(mode="json")
    )


def _refuse(sentence: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=sentence)], is_error=True)


def _explain_arguments(tool: str, error: ValidationError) -> str:
    """Say what is wrong with the first argument that is wrong."""
    first = error.errors(include_url=False, include_context=False)[0]
    name, reason = ".".join(map(str, first["loc"])), flatten(first["msg"])
    came = "" if first["type"] == "missing" else f", which is {shorten_repr(first['input'])}"
    return f"{tool} cannot take its argument {quote(name)}{came}: {reason[:1].lower()}{reason[1:]}"
