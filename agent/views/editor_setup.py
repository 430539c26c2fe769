"""Write what editors need to run Dubito: tasks with problem matchers, and their settings. Reads and writes no file."""

from __future__ import annotations

from typing import Any

from agent.views.editor_lines import SCORED, SCORING

# As agent.views.editor_lines writes a problem. A file's name may hold colons and blanks.
PROBLEM = r"^(.+?):(\d+):(\d+)-(\d+):(\d+):\s+(error|warning|info):\s+\[(DUB\d{3})\]\s+(.*)$"
_GROUPS = ("file", "line", "column", "endLine", "endColumn", "severity", "code", "message")
_ENVIRONMENT = {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
_QUIET = {"reveal": "silent", "revealProblems": "onProblem", "panel": "dedicated", "clear": True}
_SHOWN = {"reveal": "always", "panel": "dedicated", "clear": True}


def write_vscode_tasks(command: str) -> list[dict[str, Any]]:
    """Return the tasks of VS Code. command: starts dubito; it may hold variables of VS Code."""
    scoring = {"group": "test", "presentation": _QUIET, "problemMatcher": _match_problems()}
    watching = {
        "isBackground": True, "presentation": _QUIET, "problemMatcher": {**_match_problems(), "background": _RHYTHM},
    }  # fmt: skip
    shown = {"presentation": _SHOWN, "problemMatcher": []}
    return [
        _vscode_task("score current file", command, ["score", "${file}", "--format", "vscode"], scoring),
        _vscode_task(
            "score files when they are saved", command,
            ["score", "${workspaceFolder}", "--watch", "--format", "vscode"], watching,
        ),
        _vscode_task(
            "complete the function at the cursor", command, ["complete", "${file}", "--line", "${lineNumber}"], shown
        ),
        _vscode_task("fill the holes of the current file", command, ["fill", "${file}", "--write"], shown),
        _vscode_task("run the current file in the sandbox", command, ["sandbox", "run", "${file}"], shown),
        _vscode_task(
            "try a benchmark", command,
            ["bench", "run", "exercises", "--limit", "5", "--policy", "greedy", "--model", "models/tiny"], shown,
        ),
    ]  # fmt: skip


_RHYTHM = {"activeOnStart": True, "beginsPattern": f"^{SCORING} .*$", "endsPattern": f"^{SCORED} .*$"}


def _vscode_task(label: str, command: str, arguments: list[str], how: dict[str, Any]) -> dict[str, Any]:
    options = {"cwd": "${workspaceFolder}", "env": _ENVIRONMENT}
    return {
        "label": f"dubito: {label}",
        "type": "process",
        "command": command,
        "args": arguments,
        "options": options,
        **how,
    }


def _match_problems() -> dict[str, Any]:
    pattern = {"regexp": PROBLEM, **{name: number for number, name in enumerate(_GROUPS, start=1)}}
    return {
        "owner": "dubito", "source": "dubito", "applyTo": "allDocuments",
        "fileLocation": ["autoDetect", "${workspaceFolder}"], "pattern": pattern,
    }  # fmt: skip


def write_zed_tasks(command: str) -> list[dict[str, Any]]:
    """Return the tasks of Zed, which lists their output and matches no problems. command: starts dubito."""
    tasks = {
        "score current file": ["score", "$ZED_FILE"],
        "complete the function at the cursor": ["complete", "$ZED_FILE", "--line", "$ZED_ROW"],
        "fill the holes of the current file": ["fill", "$ZED_FILE", "--write"],
        "run the current file in the sandbox": ["sandbox", "run", "$ZED_FILE"],
    }
    return [
        {"label": f"dubito: {label}", "command": command, "args": arguments, "env": _ENVIRONMENT}
        for label, arguments in tasks.items()
    ]


def write_neovim_settings(command: str) -> str:
    """Return a project's `.nvim.lua`: the language server, and a command that fills the quickfix list."""
    return f"""\
-- Dubito in Neovim, for this project. Neovim reads this file after `:set exrc`, and asks whether you trust it.
local dubito = {_quote_lua(command)}

if vim.lsp.config then -- Neovim 0.11 or later
  vim.lsp.config("dubito", {{ cmd = {{ dubito, "lsp" }}, filetypes = {{ "python" }}, root_markers = {{ ".git" }} }})
  vim.lsp.enable("dubito")
end

vim.api.nvim_create_user_command("DubitoScore", function()
  local lines = vim.fn.systemlist({{ dubito, "score", vim.fn.expand("%:p"), "--format", "vscode" }})
  vim.fn.setqflist({{}}, " ", {{ title = "dubito", lines = lines, efm = "%f:%l:%c-%e:%k: %t%*[a-z]: %m" }})
  vim.cmd("copen")
end, {{}})
"""


def _quote_lua(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
