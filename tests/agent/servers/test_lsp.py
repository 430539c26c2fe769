"""The language server over its real wire: a client of pygls starts `dubito lsp`, edits, asks, and goes."""

import ast
import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcRequestCancelled
from pygls.lsp.client import LanguageClient

ROOT = Path(__file__).parents[3]
URI = "file:///project/m.py"
DOCUMENT = types.TextDocumentIdentifier(URI)
SOURCE = '''\
def total(xs):
    """Return the sum of the even numbers of xs."""
    out = []
    for x in xs:
        if x % 2 == 0:
            out.append(y)
    return sum(out)


def double(x):
    """Double x.

    >>> double(2)
    4
    """
    return ...
'''
LONG = "".join(f"x{number} = {number}\n" for number in range(1000))  # dozens of forwards of the model of bytes


class Client(LanguageClient):
    """A client that notes what the server sends."""

    def __init__(self):
        super().__init__("test", "1")
        self.diagnostics = asyncio.Queue()
        self.shown, self.progress, self.edits = asyncio.Queue(), [], asyncio.Queue()
        self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self.diagnostics.put_nowait(params))
        self.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: self.shown.put_nowait(params.message))
        self.feature(types.WINDOW_LOG_MESSAGE)(lambda params: self.shown.put_nowait(params.message))
        self.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)(lambda params: None)
        self.feature(types.PROGRESS)(lambda params: self.progress.append(params.value.get("title", "end")))
        self.feature(types.WORKSPACE_APPLY_EDIT)(lambda params: self._apply(params))

    def _apply(self, params):
        self.edits.put_nowait(params.edit)
        return types.ApplyWorkspaceEditResult(applied=True)

    def report_server_error(self, error, source):
        raise AssertionError(f"stdout carries something else than the protocol: {error}")

    def open(self, text, uri=URI, language="python"):
        self.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, language, 1, text)))

    def change(self, version, text, start=(0, 0), end=(9999, 0)):
        place = types.Range(types.Position(*start), types.Position(*end))
        change = types.TextDocumentContentChangePartial(place, text)
        document = types.VersionedTextDocumentIdentifier(version, URI)
        self.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def next_spans(self):
        """Return the next diagnostics as code and text, with their version."""
        params = await self.diagnostics.get()
        return params.version, [(each.code, each.range.start.line, each.message) for each in params.diagnostics]

    async def hover(self, line, column):
        return await self.text_document_hover_async(types.HoverParams(DOCUMENT, types.Position(line, column)))

    async def actions(self):
        """Return the actions of the whole file."""
        everywhere = types.Range(types.Position(0, 0), types.Position(9999, 0))
        params = types.CodeActionParams(DOCUMENT, everywhere, types.CodeActionContext([]))
        return [*await self.text_document_code_action_async(params)]

    def complete(self, line, column):
        context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
        place = types.Position(line, column)
        params = types.InlineCompletionParams(context, DOCUMENT, place)
        return asyncio.wrap_future(self.text_document_inline_completion(params))

    async def say(self, line):
        """Wait for a line on the server's stderr; return those before it."""
        lines = []
        while (said := (await self._server.stderr.readline()).decode().strip()) != line:
            assert said or not self._server.stderr.at_eof(), lines
            lines.append(said)
        return lines

    async def end(self):
        """Let the server end as clients do; return its exit code."""
        await self.shutdown_async(None)
        self.exit(None)
        return await self._server.wait()


@asynccontextmanager
async def connect(*command, options=None, encodings=None, pass_fds=(), **environment):
    client = Client()
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **environment}
    await client.start_io(sys.executable, *command, env=environment, cwd=ROOT, pass_fds=pass_fds)
    general = types.GeneralClientCapabilities(position_encodings=encodings)
    edits = types.WorkspaceEditClientCapabilities(document_changes=True)
    capabilities = types.ClientCapabilities(
        general=general,
        window=types.WindowClientCapabilities(work_done_progress=True),
        workspace=types.WorkspaceClientCapabilities(workspace_edit=edits),
    )
    client.server = await client.initialize_async(types.InitializeParams(capabilities, initialization_options=options))
    client.initialized(types.InitializedParams())
    try:
        yield client
    finally:
        if client._server.returncode is None:
            client._server.kill()
        await client.stop()


@asynccontextmanager
async def connect_fake(model, *, most=10, **options):
    """Start a server with a model of `editor_server`; yield the client and the function that lets the model work."""
    read, write = os.pipe()
    script = str(ROOT / "tests" / "editor_server.py")
    arguments = (script, "lsp", "--model", model, "--most", str(most), "--sandbox", "process")
    async with connect(*arguments, pass_fds=[read], WAITS_FOR=str(read), **options) as client:
        os.close(read)
        gate = [write]
        try:
            yield client, lambda: os.close(gate.pop())
        finally:
            for descriptor in gate:
                os.close(descriptor)


def play(scenario):
    return asyncio.run(asyncio.wait_for(scenario(), 110))


@pytest.mark.model
def test_diagnostics_arrive_a_hover_explains_one_and_a_code_action_edits_the_text():
    async def scenario():
        arguments = ("-m", "agent", "lsp", "--model", "models/tiny", "--sandbox", "process")
        async with connect(*arguments, options={"most": 1}) as client:
            client.open(SOURCE)
            assert await client.next_spans() == (1, [("DUB201", 15, "code is missing here")])
            version, spans = await client.next_spans()
            assert version == 1 and [span[:2] for span in spans] == [("DUB101", 5), ("DUB201", 15)]
            assert client.progress == ["Dubito reads m.py", "Dubito loads models/tiny", "end", "end"]

            shown = await client.hover(5, 23)
            assert "gives `y` a probability of " in shown.contents.value and "- `x` 0." in shown.contents.value

            replace, _ = await client.actions()
            assert replace.title.startswith("Dubito: replace by x")
            (edit,) = replace.edit.document_changes
            assert edit.text_document.version == 1
            (change,) = edit.edits
            start, end = ((each.line, each.character) for each in (change.range.start, change.range.end))
            client.change(2, change.new_text, start, end)
            carried = await client.next_spans()
            assert carried == (2, [("DUB201", 15, "code is missing here")])
            assert all(span[1] != 5 for span in (await client.next_spans())[1])

            completed = await client.complete(6, 11)
            assert completed is None or completed.items[0].insert_text.strip()
            assert await client.end() == 0

    play(scenario)


def test_a_hole_is_filled_on_demand_and_code_goes_on_at_the_cursor():
    async def scenario():
        async with connect_fake("filler") as (client, _):
            client.open(SOURCE)
            assert await client.next_spans() == (1, [("DUB201", 15, "code is missing here")])
            assert "a text is read by the backend hf" in await client.shown.get()
            (fill,) = await client.actions()
            command = ast.literal_eval(fill.command)  # the client's library mistakes an action with one for a command
            wanted = types.ExecuteCommandParams(command["command"], command["arguments"])
            await client.workspace_execute_command_async(wanted)
            (edit,) = (await client.edits.get()).document_changes
            place = types.Range(types.Position(15, 11), types.Position(15, 14))
            assert edit.text_document.version == 1 and edit.edits[0] == types.TextEdit(place, "x * 2")
            filled = "the best filling passes 1 of 1 example"
            assert await client.next_spans() == (1, [("DUB201", 15, filled)])
            assert [each.title for each in await client.actions()] == [
                "Dubito: fill with x * 2 (0.90)", "Dubito: fill with x (0.10)",
            ]  # fmt: skip
            assert client.progress[-2:] == ["Dubito fills the hole in line 16", "end"]
            client.change(2, "", (15, 11), (15, 14))
            completed = await client.complete(15, 11)
            assert [each.insert_text for each in completed.items] == ["x * 2"]
            assert await client.end() == 0

    play(scenario)


def test_a_filling_that_fails_an_example_is_offered_and_not_written():
    async def scenario():
        async with connect_fake("filler") as (client, _):
            client.open(SOURCE.replace("double", "triple").replace("    4\n", "    6\n"))
            await client.next_spans()
            await client.shown.get()
            start = SOURCE.index("...")
            await client.workspace_execute_command_async(types.ExecuteCommandParams("dubito.fill", [URI, start]))
            said = "Dubito: line 16 of m.py: no filling passes the examples, so none was written; with the best, "
            assert await client.shown.get() == f"{said}triple(2) returned 4, wanted 6"
            assert client.edits.empty() and len(await client.actions()) == 1
            assert await client.end() == 0

    play(scenario)


def test_a_hover_answers_while_the_model_works_and_the_end_does_not_wait_for_it():
    async def scenario():
        async with connect_fake("waiting") as (client, _):
            client.open(LONG)
            await client.say("forward 2")  # it waits there for ever
            hovers = [await client.hover(0, column) for column in range(6)]
            assert any(hovers), "a token of the first forward has other candidates"
            assert await client.hover(900, 0) is None, "and none is known of what was not read"
            assert await client.actions() == []
            assert await client.end() == 0

    play(scenario)


def test_a_change_cancels_the_reading_and_completions_of_the_old_text():
    async def scenario():
        async with connect_fake("waiting") as (client, let_go):
            client.open(LONG)
            assert await client.next_spans() == (1, [])
            await client.say("forward 2")
            completion, cancelled = client.complete(0, 3), client.complete(0, 4)
            client.cancel_request(types.CancelParams(next(reversed(client.protocol._request_futures))))
            with pytest.raises(JsonRpcRequestCancelled):
                await cancelled
            client.change(2, "y = 1\n")
            assert await completion is None
            let_go()
            versions = [(await client.next_spans())[0] for _ in range(2)]
            assert versions == [2, 2]
            assert await client.end() == 0
            rest = (await client._server.stderr.read()).decode()
            assert rest.count("forward") < 10, "the long text was given up"

    play(scenario)


def test_nonsense_and_what_is_too_long_cost_one_message_each():
    async def scenario():
        async with connect_fake("waiting") as (client, _):
            stdin = client._server.stdin
            bodies = [b"{", b"[1, 2]", b"5", b'{"jsonrpc": "1.0"}', b"\xff\xfe", b"[" * 100_000]
            for body in bodies:
                stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            stdin.write(b"no header\r\n\r\nContent-Length: -5\r\n\r\n" + b"x" * 20_000 + b"\r\n")
            size = 2**25 + 1
            stdin.write(b"Content-Length: %d\r\n\r\n" % size + b" " * size)
            wrong = b'{"jsonrpc": "2.0", "id": 77, "method": "textDocument/hover", "params": {"position": 5}}'
            answered = client.protocol._request_futures[77] = asyncio.get_running_loop().create_future()
            stdin.write(b"Content-Length: %d\r\n\r\n" % len(wrong) + wrong)
            with pytest.raises(Exception, match="Invalid Params"):
                await answered
            unknown = b'{"jsonrpc": "2.0", "id": 78, "method": "no/such"}'
            answered = client.protocol._request_futures[78] = asyncio.get_running_loop().create_future()
            stdin.write(b"Content-Length: %d\r\n\r\n" % len(unknown) + unknown)
            with pytest.raises(Exception, match="Method Not Found: no/such"):
                await answered
            assert await client.workspace_execute_command_async(types.ExecuteCommandParams("dubito.fill")) is None
            assert await client.hover(0, 0) is None, "a file that is not open"
            client.change(5, "never opened")
            client.open("", uri="file:///a.md", language="markdown")
            client.open("x = = 1\n")
            version, spans = await client.next_spans()
            assert (version, spans) == (1, [(None, 0, "m.py:1: this is no Python (invalid syntax); mend it first")])
            client.change(2, "\ny = = 2\n")
            client.text_document_did_save(types.DidSaveTextDocumentParams(DOCUMENT))
            version, spans = await client.next_spans()
            assert (version, spans) == (2, [(None, 1, "m.py:2: this is no Python (invalid syntax); mend it first")])
            assert await client.end() == 0
            assert "Traceback" not in (await client._server.stderr.read()).decode()

    play(scenario)


@pytest.mark.parametrize("how", ["closes", "exits"])
def test_a_client_that_goes_in_the_middle_leaves_no_process(how):
    async def scenario():
        async with connect_fake("loading") as (client, _):
            client.open(LONG)
            await client.say("load")  # it waits there for ever
            if how == "closes":
                client._server.stdin.write(b'Content-Length: 500\r\n\r\n{"jsonrpc"')
                client._server.stdin.close()
            else:
                client.exit(None)
            assert await client._server.wait() == (0 if how == "closes" else 1), "1 without a shutdown before"

    play(scenario)


def test_a_model_that_is_not_there_is_said_once_and_holes_are_shown_all_the_same():
    async def scenario():
        async with connect_fake("waiting", options={"model": "none", "mots": 3}) as (client, _):
            assert "initializationOptions have 'mots'" in await client.shown.get()
            for number in range(2):
                client.open("x = ...\n", uri=f"file:///{number}.py")
                assert await client.next_spans() == (1, [("DUB201", 0, "code is missing here")])
            assert await client.shown.get() == "Dubito: there is no model 'none'; choose another one"
            assert await client.complete(0, 0) is None
            client.text_document_did_close(
                types.DidCloseTextDocumentParams(types.TextDocumentIdentifier("file:///1.py"))
            )
            assert await client.next_spans() == (1, [])
            assert client.shown.empty() and await client.end() == 0

    play(scenario)


@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_positions_are_counted_as_the_client_counts_them(encoding):
    async def scenario():
        encodings = encoding and [types.PositionEncodingKind(encoding)]
        async with connect_fake("none", encodings=encodings) as (client, _):
            assert client.server.capabilities.position_encoding == (encoding or "utf-16")
            client.open("s = '\U0001f600é'; x = ...\r\n")
            params = await client.diagnostics.get()
            column = 18 if encoding else 15
            (diagnostic,) = params.diagnostics
            assert diagnostic.range == types.Range(types.Position(0, column), types.Position(0, column + 3))
            client.change(2, "2", (0, column), (0, column + 3))
            assert not (await client.diagnostics.get()).diagnostics

    play(scenario)
