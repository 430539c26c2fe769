"""Dubito in the panel of an editor: what a prompt brings forth, what is asked, written and kept."""

import asyncio
import json
import os
import threading

import pytest
from acp import RequestError, image_block, resource_link_block, text_block
from acp.helpers import embedded_blob_resource, embedded_text_resource, resource_block
from assistants import READS, WRITES, Editor, connected
from chat_answers import fenced

from agent.cli.acp import explain_to_client
from agent.program.saved_chat import read_chat
from agent.servers.acp.server import DubitoAgent, serve
from agent.servers.acp.sessions import ASK_MODE, AUTO_MODE, MOST_SESSIONS, SessionFolder, begin_session
from agent.servers.acp.turns import PromptTurns
from agent.servers.desk import Desk
from sandbox.base import SandboxUnavailable

ASKED = "Write total(xs), the sum of xs. total([1, 2]) is 3 and total([4]) is 4."
SUM, MAX = (f"def total(xs):\n    return {name}(xs)\n" for name in ("sum", "max"))
DOCTESTS = '"""Add up.\n\n    >>> total([1, 2])\n    3\n    >>> total([4])\n    4\n    """'
MODULE = f"LIMIT = 3\n\n\ndef total(xs):\n    {DOCTESTS}\n    ...\n\n\nprint(LIMIT)\n"
WRITTEN = MODULE.replace("    ...\n", "    return sum(xs)\n")


@pytest.fixture
def talk(agent_of, tmp_path):
    """Return what lets a scenario talk to an agent: through the library's client, over pipes."""

    def run(scenario, editor=None, *, answers=None, mode=AUTO_MODE, turns=PromptTurns, capabilities=WRITES, **options):
        weights = {fenced(program): weight for program, weight in (answers or {SUM: 1.0}).items()}
        agent, editor = agent_of(weights, **options), editor or Editor()

        async def converse():
            desk = Desk(lambda: turns(agent))
            folder = SessionFolder(tmp_path / "sessions", {"model": "models/tiny"})
            dubito = DubitoAgent(desk, folder, explain_to_client, mode)
            async with connected(lambda streams: serve(dubito, desk, streams), editor, capabilities) as client:
                session = await client.new_session(cwd=str(tmp_path))
                return await scenario(client, session.session_id)

        return asyncio.run(asyncio.wait_for(converse(), 100)), editor

    return run


def prompting(*prompts):
    """Return the scenario that sends prompts, and gives how each ended."""

    async def scenario(client, session_id):
        blocks = [[text_block(each)] if isinstance(each, str) else each for each in prompts]
        return [(await client.prompt(session_id=session_id, prompt=each)).stop_reason for each in blocks]

    return scenario


def test_a_prompt_brings_forth_thoughts_a_plan_and_the_program_with_its_claim(talk):
    ended, editor = talk(prompting(ASKED), answers={SUM: 0.4, MAX: 0.6})
    assert ended == ["end_turn"]
    assert "`2 │ max(xs over sum(xs (lookahead " in editor.text("agent_thought_chunk")
    plans = [each["entries"] for each in editor.updates if each["sessionUpdate"] == "plan"]
    assert [each["status"] for each in plans[0]] == ["in_progress"]
    assert {each["status"] for each in plans[-1]} == {"completed"} and "✓ passed 2 examples" in plans[-1][-1]["content"]
    assert len(plans) == len(plans[-1]) + 2, "the plan changes with a program, and not with a token"
    message = editor.text()
    assert f"```python\n{SUM}```" in message and "**✓ verified: the program passed 2 examples**" in message
    assert "What now: " in message and editor.asked == []


def test_a_follow_up_changes_the_program_of_the_session(talk, tmp_path):
    changed = SUM.replace("sum(xs)", "sum(x for x in xs)")
    ended, editor = talk(prompting(ASKED, "use a generator"), answers={SUM: 0.6, changed: 0.4})
    (file,) = (tmp_path / "sessions").iterdir()
    conversation = read_chat(file.read_text(), "session").conversation
    assert ended == ["end_turn"] * 2 and conversation.requests == (ASKED, "use a generator")
    assert conversation.program == changed and changed in editor.text(), "what it was is no change"


@pytest.mark.parametrize("agrees", [True, False])
def test_a_file_is_changed_only_where_the_person_agrees_to_the_diff(talk, tmp_path, agrees):
    path = str(tmp_path / "mod.py")
    editor = Editor({path: MODULE}, lambda call, options: options[0 if agrees else 1].option_id)
    ended, _ = talk(prompting([resource_link_block("mod.py", f"file://{path}")]), editor)
    ((call, options),) = editor.asked
    (diff,) = call.content
    assert ended == ["end_turn"] and call.title == "✓ Write total into mod.py" and options[0] == "Write it"
    assert (diff.path, diff.old_text, diff.new_text) == (path, MODULE, WRITTEN)
    assert editor.files[path] == (WRITTEN if agrees else MODULE)
    (last,) = [each for each in editor.updates if each["sessionUpdate"] == "tool_call_update"]
    assert last["status"] == ("completed" if agrees else "failed")


def test_a_file_that_changes_while_the_person_looks_at_the_diff_is_left_alone(talk, tmp_path):
    path = str(tmp_path / "mod.py")

    def change(call, options):
        editor.files[path] += "# mine\n"
        return options[0].option_id

    editor = Editor({path: MODULE}, change)
    talk(prompting([resource_link_block("mod.py", f"file://{path}")]), editor)
    assert editor.files[path] == f"{MODULE}# mine\n" and "changed meanwhile" in editor.text()


@pytest.mark.parametrize("capabilities", [READS, None])
def test_an_editor_that_writes_nothing_for_agents_gets_the_diff_as_text(talk, tmp_path, capabilities):
    (tmp_path / "mod.py").write_text(MODULE)
    editor = Editor({str(tmp_path / "mod.py"): MODULE})
    talk(prompting([resource_link_block("mod.py", (tmp_path / "mod.py").as_uri())]), editor, capabilities=capabilities)
    assert "-    ...\n+    return sum(xs)\n" in editor.text() and editor.asked == []
    assert (tmp_path / "mod.py").read_text() == MODULE


def test_words_beside_a_file_say_which_function_is_meant_and_a_follow_up_goes_on_with_it(talk, tmp_path):
    path = str(tmp_path / "mod.py")
    old = MODULE.replace("    ...\n", "    return 0\n")
    editor = Editor({path: old})
    file = resource_block(embedded_text_resource(f"file://{path}", old))
    talk(prompting([text_block("make total right, see "), file], "and make it nice"), editor)
    assert editor.files[path] == WRITTEN and "make total" not in editor.files[path]
    assert len(editor.asked) == 1 and "mod.py stays as it was" in editor.text()


@pytest.mark.parametrize("capabilities", [WRITES, None])
def test_a_file_that_is_not_saved_yet_is_read_from_the_prompt_and_never_written(talk, tmp_path, capabilities):
    file = resource_block(embedded_text_resource((tmp_path / "new.py").as_uri(), "LIMIT = 3\n"))
    ended, editor = talk(prompting([text_block(ASKED), file]), capabilities=capabilities)
    assert ended == ["end_turn"] and not list(tmp_path.glob("new.py")) and editor.files == {}


def test_words_that_ask_for_a_function_the_file_lacks_add_it(talk, tmp_path):
    path = str(tmp_path / "mod.py")
    editor = Editor({path: "LIMIT = 3\n"})
    talk(prompting([text_block(ASKED), resource_link_block("mod.py", f"file://{path}")]), editor)
    assert editor.files[path] == f"LIMIT = 3\n\n\n{SUM}"


def test_a_part_of_a_file_is_shown_to_the_model_and_never_written(talk):
    part = resource_block(embedded_text_resource("file:///project/mod.py#L3-4", "LIMIT = 3\n"))
    ended, editor = talk(prompting([part, text_block(ASKED)]))
    assert ended == ["end_turn"] and editor.asked == [] and editor.files == {}


def test_a_pause_is_a_permission_request_whose_answer_decoding_goes_on_with(talk):
    editor = Editor(choose=lambda call, options: options[1].option_id)
    talk(prompting(ASKED), editor, answers={SUM: 0.4, MAX: 0.6}, mode=ASK_MODE, ask=True)
    (call, options), *_ = editor.asked
    assert call.title == "The model is in doubt: how does it go on?" and "return" in call.content[0].content.text
    assert options[0].startswith("`max(x") and options[1].startswith("`sum(x")
    assert options[-1] == "Decide by yourself from here on"
    assert f"```python\n{SUM}```" in editor.text()


@pytest.mark.parametrize("refuse", [lambda call, options: options[-1].option_id, lambda call, options: None])
def test_a_refusal_lets_the_run_decide_and_ask_no_more(talk, refuse):
    answers = {SUM: 0.4, MAX: 0.6, SUM.replace("sum", "len"): 0.2}
    ended, editor = talk(prompting(ASKED), Editor(choose=refuse), answers=answers, mode=ASK_MODE, ask=True)
    assert ended == ["end_turn"] and len(editor.asked) == 1


def test_an_editor_that_cannot_ask_is_asked_nothing_more(talk):
    def fail(call, options):
        raise RequestError.method_not_found("session/request_permission")

    ended, editor = talk(prompting(ASKED), Editor(choose=fail), answers={SUM: 0.4, MAX: 0.6}, mode=ASK_MODE, ask=True)
    assert ended == ["end_turn"] and len(editor.asked) == 1


def test_the_mode_of_a_session_says_whether_it_asks(talk):
    async def scenario(client, session_id):
        await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
        before = len(editor.asked)
        await client.set_session_mode(mode_id=ASK_MODE, session_id=session_id)
        with pytest.raises(RequestError, match="there is no mode 'loud'; choose from auto, ask"):
            await client.set_session_mode(mode_id="loud", session_id=session_id)
        await client.prompt(session_id=session_id, prompt=[text_block(ASKED.replace("total", "add"))])
        return before, len(editor.asked)

    editor = Editor()
    answers = {SUM: 0.4, MAX: 0.6, SUM.replace("total", "add"): 0.4, MAX.replace("total", "add"): 0.4}
    (before, after), _ = talk(scenario, editor, answers=answers, threshold="0.5")
    assert before == 0 < after


def test_a_cancel_at_a_question_ends_the_prompt_and_keeps_what_there_is(talk):
    async def scenario(client, session_id):
        async def cancel(call, options):
            await client.cancel(session_id=session_id)
            return await asyncio.Event().wait()  # an editor that never answers

        editor.choose = cancel
        first = await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
        shown, editor.choose = editor.text(), lambda call, options: options[1].option_id
        second = await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
        return first.stop_reason, shown, second.stop_reason

    editor = Editor()
    (first, shown, second), _ = talk(scenario, editor, answers={SUM: 0.4, MAX: 0.6}, mode=ASK_MODE, ask=True)
    assert (first, second) == ("cancelled", "end_turn")
    assert "def total(xs):\n    return \n```" in shown and "Stopped; this is what there is." in shown
    assert "verified" in editor.text()


def test_nobody_has_to_wait_for_a_model_that_is_being_loaded(talk):
    let_go = threading.Event()

    class SlowTurns(PromptTurns):
        def __init__(self, agent):
            let_go.wait(60)
            super().__init__(agent)

    async def scenario(client, session_id):
        editor.on_update = lambda update: client.cancel(session_id=session_id)
        first = await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
        editor.on_update, was_loading = lambda update: None, not let_go.is_set()
        let_go.set()
        second = await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
        return first.stop_reason, was_loading, second.stop_reason

    editor = Editor()
    assert talk(scenario, editor, turns=SlowTurns)[0] == ("cancelled", True, "end_turn")
    assert editor.text("agent_thought_chunk").startswith("`loading the model`")


def test_a_question_about_the_program_is_answered_in_words(talk):
    async def scenario(client, session_id):
        await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
        editor.updates.clear()
        return (await client.prompt(session_id=session_id, prompt=[text_block("why sum?")])).stop_reason

    editor = Editor()
    ended, _ = talk(scenario, editor)
    assert ended == "end_turn" and "*The model's words: nothing checked them.*" in editor.text()


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [
        ([], "nothing was asked for"),
        ([text_block("  \n")], "nothing was asked for"),
        ([resource_block(embedded_text_resource("x:/notes.txt", "notes"))], "nothing was asked for"),
        ([text_block("a\0b")], "control characters"),
        ([image_block("aGk=", "image/png")], "pictures, sound and other bytes cannot be read"),
        ([resource_block(embedded_blob_resource("file:///a.bin", "aGk="))], "pictures, sound and other bytes"),
        ([resource_link_block("page", "https://example.org/a.py")], "is no file that can be read here"),
        ([resource_link_block("gone.py", "file:///nowhere/gone.py")], "the editor cannot read '/nowhere/gone.py'"),
        ([resource_block(embedded_text_resource("x:/a.py#1", "x" * 20_001)), text_block(ASKED)], "20001 characters"),
    ],
)
def test_a_prompt_that_cannot_be_carried_out_gets_one_sentence_and_changes_nothing(talk, blocks, sentence):
    async def scenario(client, session_id):
        with pytest.raises(RequestError, match=sentence) as refused:
            await client.prompt(session_id=session_id, prompt=blocks)
        assert refused.value.code == -32602
        return (await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])).stop_reason

    ended, _ = talk(scenario)
    assert ended == "end_turn"


@pytest.mark.parametrize("text", ["def total(xs)\n    return 0\n", "def f(x):\n    return 1\n" * 2 + "class"])
def test_a_file_that_is_no_python_is_refused_with_its_line(talk, tmp_path, text):
    path = str(tmp_path / "mod.py")

    async def scenario(client, session_id):
        with pytest.raises(RequestError, match=r"mod\.py:\d+: this is no Python"):
            await client.prompt(session_id=session_id, prompt=[resource_link_block("mod.py", f"file://{path}")])

    _, editor = talk(scenario, Editor({path: text}))
    assert editor.files[path] == text


def test_a_machine_that_lacks_something_is_said_at_the_prompt_and_asked_again_at_the_next(talk, monkeypatch):
    missing = [SandboxUnavailable("docker is not answering; is the daemon running?")]

    class LateTurns(PromptTurns):
        def __init__(self, agent):
            if missing:
                raise missing.pop()
            super().__init__(agent)

    async def scenario(client, session_id):
        with pytest.raises(RequestError, match="docker is not answering") as failed:
            await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
        assert failed.value.code == -32603
        return (await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])).stop_reason

    missing *= 2  # of what warms up, and of the first prompt
    ended, _ = talk(scenario, turns=LateTurns)
    assert ended == "end_turn"


def test_a_session_answers_one_prompt_at_a_time_and_others_wait_their_turn(talk):
    async def scenario(client, session_id):
        other = (await client.new_session(cwd="/")).session_id

        async def interfere(call, options):
            with pytest.raises(RequestError, match="this session is still answering"):
                await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
            ended.append((await client.prompt(session_id=other, prompt=[text_block(ASKED)])).stop_reason)
            return options[-1].option_id

        async def choose(call, options):
            editor.choose = lambda call, options: options[-1].option_id
            return await interfere(call, options)

        editor.choose, ended = choose, []
        ended.append((await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])).stop_reason)
        return ended

    editor = Editor()
    ended, _ = talk(scenario, editor, answers={SUM: 0.4, MAX: 0.6}, mode=ASK_MODE, ask=True)
    assert ended == ["end_turn"] * 2, "a session that waits for its person holds up no other"


def test_a_session_is_loaded_with_what_was_said_and_goes_on(talk, tmp_path):
    async def begin(client, session_id):
        await client.prompt(session_id=session_id, prompt=[text_block(ASKED)])
        return session_id

    async def go_on(client, own):
        await client.load_session(cwd=str(tmp_path), session_id=kept)
        replayed = list(editor.updates)
        editor.updates.clear()
        await client.prompt(session_id=kept, prompt=[text_block("why sum?")])
        listed = (await client.list_sessions()).sessions
        elsewhere = (await client.list_sessions(cwd="/elsewhere")).sessions
        with pytest.raises(RequestError, match="there is no session"):
            await client.load_session(cwd="/", session_id="0" * 32)
        with pytest.raises(RequestError, match="there is no session"):
            await client.load_session(cwd="/", session_id="../../secret")
        return replayed, listed, elsewhere

    kept, _ = talk(begin)
    editor = Editor()
    (replayed, listed, elsewhere), _ = talk(go_on, editor)
    assert [each["sessionUpdate"] for each in replayed] == ["user_message_chunk", "agent_message_chunk"]
    assert replayed[0]["content"]["text"] == ASKED and SUM in replayed[1]["content"]["text"]
    assert "nothing checked them" in editor.text()
    assert [(each.session_id, each.title, each.cwd) for each in listed] == [(kept, ASKED, str(tmp_path))]
    assert elsewhere == []
    saved = read_chat((tmp_path / "sessions" / f"{kept}.json").read_text(), "session")
    assert saved.conversation.requests == (ASKED,) and saved.conversation.program == SUM


def test_a_chat_goes_on_with_a_session(talk, tmp_path, agent_of):
    from agent.cli.conversing import Chat

    talk(prompting(ASKED))
    (file,) = (tmp_path / "sessions").iterdir()
    chat = Chat(agent_of({"x": 1.0}))
    chat.carry_out(f"/load {file}")
    assert chat.conversation.program == SUM and chat.conversation.requests == (ASKED,)


def test_the_oldest_of_too_many_sessions_goes_and_what_is_no_session_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("agent.servers.acp.sessions.MOST_SESSIONS", 2)
    assert MOST_SESSIONS > 2
    folder, sessions = SessionFolder(tmp_path, {}), [begin_session("/", AUTO_MODE) for _ in range(3)]
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / f"{'f' * 32}.json").write_text('{"dubito_chat": 1}')
    for number, each in enumerate(sessions):
        folder.save(each)
        os.utime(tmp_path / f"{each.id}.json", (number, number))
    kept = [each.id for each in folder.list_kept(None)]
    assert sessions[0].id not in kept and sessions[2].id in kept
    assert (tmp_path / "notes.json").read_text() == "{}"
    assert json.loads((tmp_path / f"{sessions[2].id}.json").read_text())["session"]["cwd"] == "/"
