"""The web application: its paths, and the job that each request becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from agent.servers.openai.asking import read_chat_prompt, read_prompt
from agent.servers.openai.bodies import ChatBody, CompletionBody, read_body
from agent.servers.openai.completing import Wanted, complete
from agent.servers.openai.events import Stopped, TellEvent
from agent.servers.openai.failures import ApiError, explain_failure
from agent.servers.openai.guard import AccessGuard
from agent.servers.openai.replies import ChatShape, Reply, TextShape
from agent.servers.openai.responses import JobResponse
from agent.servers.openai.served import SOLVING, ServedModel
from agent.servers.openai.solving import ProgramRequest, search_program
from agent.servers.openai.turns import RequestJob, Turns

_MOST_BYTES = 4 * 2**20  # of a body
_READ_ON = 64 * _MOST_BYTES  # of a longer one, which are dropped: a client that still writes would not read the refusal


@dataclass(frozen=True, slots=True)
class Api:
    """The endpoints. log: receives a line about each answer. report: receives errors that nobody expected."""

    served: ServedModel
    log: Callable[[str], object] = lambda line: None
    report: Callable[[BaseException], object] = lambda error: None
    turns: Turns = field(default_factory=Turns)

    def build(self, *, token: str = "", local: bool = True) -> ASGIApp:
        """Return the application. token: that every request has to bring. local: served to this machine alone."""
        routes = [
            Route("/health", self.tell_health),
            Route("/v1/models", self.list_models),
            Route("/v1/models/{name:path}", self.show_model),
            Route("/v1/chat/completions", self.answer_chat, methods=["POST"]),
            Route("/v1/completions", self.answer_text, methods=["POST"]),
        ]
        handlers = {
            ApiError: _refuse, HTTPException: _refuse_path, ClientDisconnect: _refuse_nobody, Exception: self._tell_bug,
        }  # fmt: skip
        return AccessGuard(Starlette(routes=routes, exception_handlers=handlers), token, local)

    async def tell_health(self, request: Request) -> Response:
        """Say that the server lives, what it serves, and how busy it is."""
        thread = self.turns.thread
        counts = {"running": thread.is_running, "waiting": thread.num_waiting}
        return JSONResponse({"status": "ok", "models": self.served.names, **counts})

    async def list_models(self, request: Request) -> Response:
        """List the names under which the model answers."""
        return JSONResponse({"object": "list", "data": [self._describe(name) for name in self.served.names]})

    async def show_model(self, request: Request) -> Response:
        """Describe one of these names."""
        name = request.path_params["name"]
        self._check_name(name)
        return JSONResponse(self._describe(name))

    async def answer_chat(self, request: Request) -> Response:
        """Reply a chat: as a plain model, or with a program that was run."""
        body = read_body(ChatBody, await _read_bytes(request))
        self._check_name(body.model)
        job = self._solve(body) if body.model.endswith(SOLVING) else self._chat(body)
        answer = Reply(ChatShape(bool(body.logprobs)), body.model, body.tells_usage)
        return self._respond(job, answer, stream=bool(body.stream))

    async def answer_text(self, request: Request) -> Response:
        """Continue a text, or fill a gap in it."""
        body = read_body(CompletionBody, await _read_bytes(request))
        self._check_name(body.model)
        if body.model.endswith(SOLVING):
            raise ApiError(400, f"{body.model} answers chats alone; ask {self.served.model.name}", param="model")
        served, wanted = self.served, Wanted.read(self.served, body, body.max_tokens, body.logprobs)

        def job(tell: TellEvent, stopped: Stopped) -> None:
            prompts = [read_prompt(served.model, text, body.suffix) for text in body.prompt]
            complete(served, prompts, wanted, tell, stopped)

        answer = Reply(TextShape(body.logprobs is not None), body.model, body.tells_usage)
        return self._respond(job, answer, stream=bool(body.stream))

    async def _tell_bug(self, request: Request, error: Exception) -> Response:
        self.report(error)
        return await _refuse(request, explain_failure(error))

    def _chat(self, body: ChatBody) -> RequestJob:
        served, messages = self.served, body.read_messages()
        wanted = Wanted.read(served, body, body.longest, body.top_logprobs if body.logprobs else None)

        def job(tell: TellEvent, stopped: Stopped) -> None:
            complete(served, [read_chat_prompt(served.model, messages)], wanted, tell, stopped)

        return job

    def _solve(self, body: ChatBody) -> RequestJob:
        """Return the job that writes a program. A chat model answers a question about the last one in words."""
        served, messages, explain = self.served, body.read_messages(), self._chat(body)
        for name, asked in (("n", (body.n or 1) > 1), ("logprobs", body.logprobs)):
            if asked:
                raise ApiError(400, f"{body.model} gives one program, and no logprobs; leave out {name}", param=name)

        def job(tell: TellEvent, stopped: Stopped) -> None:
            request = ProgramRequest.read(messages)
            if request.is_question and served.model.prompt_style.chat:
                explain(tell, stopped)
            else:
                search_program(served, request, body.longest, body.seed or 0, tell, stopped)

        return job

    def _respond(self, job: RequestJob, answer: Reply, *, stream: bool) -> Response:
        return JobResponse(self.turns.follow(job), answer, stream=stream, log=self.log, report=self.report)

    def _describe(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self.served.since, "owned_by": "dubito"}

    def _check_name(self, name: str) -> None:
        if name not in self.served.names:
            names = " or ".join(self.served.names)
            raise ApiError(
                404, f"there is no model {name[:200]!r} here; choose {names}", param="model", code="model_not_found"
            )


async def _read_bytes(request: Request) -> bytes:
    """Return the body of a request. Raises ApiError for one that is too long."""
    size, parts = 0, list[bytes]()
    async for part in request.stream():
        size += len(part)
        if size <= _MOST_BYTES:
            parts.append(part)
        elif size > _READ_ON:
            break
    if size > _MOST_BYTES:
        raise ApiError(
            413, f"the body is longer than {_MOST_BYTES // 2**20} MiB; shorten the prompt", code="body_too_long"
        )
    return b"".join(parts)


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError), "it is registered for these"
    return JSONResponse(error.body(), error.status, error.headers())


async def _refuse_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    asked = f"{request.method} {request.url.path[:200]!r}"
    message = f"nothing here answers {asked}; ask GET /v1/models, POST /v1/chat/completions or POST /v1/completions"
    return JSONResponse(ApiError(error.status_code, message).body(), error.status_code, error.headers)


async def _refuse_nobody(request: Request, error: Exception) -> Response:
    """Reply a client that left before it had asked; nobody reads it."""
    return Response(status_code=400)
