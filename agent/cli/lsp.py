"""`dubito lsp`: a language server for editors, over stdin and stdout. Heavy imports wait inside."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import explain_error, report_errors
from agent.cli.options import DefaultModelOption, DeviceOption, SandboxOption, WeightsOption

if TYPE_CHECKING:
    from agent.lm.base import Model
    from agent.servers.lsp.model_work import EditorTools
    from sandbox.base import Sandbox


def serve_editor(
    most: Annotated[int, typer.Option(min=1, max=100, help="Show at most this many spans a file.")] = 10,
    model: DefaultModelOption = None,
    sandbox: SandboxOption = None,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
) -> None:
    """Be a language server: show doubts and holes in an editor, which starts this command.

    It speaks the Language Server Protocol over stdin and stdout. It marks what the model would rather have written and
    what is left to write, shows at each token what else it expected, applies an alternative or a filling, and completes
    code while you type. The initializationOptions of the client may hold model, sandbox and most.

    Example: dubito lsp --model qwen2.5-coder-0.5b
    """
    with report_errors(as_json=False):
        from agent.servers.refusal import refusing_requests

        with refusing_requests():
            _check(model, sandbox, device, weights)
        from agent.cli.version import find_version
        from agent.lm.names import choose_default_model
        from agent.servers.lsp.model_work import Settings
        from agent.servers.lsp.server import DubitoServer
        from agent.servers.lsp.wire import claim_standard_streams

        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a thread waits for the client, and would wait on
        settings = Settings(model or choose_default_model(), sandbox, most)
        server = DubitoServer(find_version("dubito") or "0", settings, _list_tools(device, weights))
        server.serve(claim_standard_streams())


def _check(model: str | None, sandbox: str | None, device: str | None, weights: str) -> None:
    """Refuse what is wrong on the command line, and a terminal in the place of a client."""
    from agent.cli import components
    from agent.cli.choices import check_device
    from agent.cli.serving import check_client, check_packages
    from agent.lm.names import choose_default_model

    check_packages("lsp", "pygls")
    components.check_model(model or choose_default_model(), weights)
    components.check_sandbox(sandbox)
    if device is not None:
        check_device(device)
    check_client("lsp", "an editor", "docs/editor.md")


def _list_tools(device: str | None, weights: str) -> EditorTools:
    from agent.cli.components import check_model, check_sandbox, start_sandbox
    from agent.servers.lsp.model_work import EditorTools

    def open_model(name: str) -> Model:
        from agent.lm.open import open_lm

        check_model(name, weights)
        return open_lm(name, device=device, weights=weights)

    def open_sandbox(name: str | None) -> Sandbox:
        check_sandbox(name)
        return start_sandbox(name)

    return EditorTools(open_model, open_sandbox, lambda error: explain_error(error)[0])
