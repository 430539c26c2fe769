// Starts `dubito lsp` when a Python file is opened, and leaves the rest to VS Code's language client.
const fs = require("fs");
const path = require("path");
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function findCommand(settings) {
  const folders = workspace.workspaceFolders ?? [];
  const own = folders.map((folder) => path.join(folder.uri.fsPath, ".venv", "bin", "dubito"));
  return settings.get("command") || own.find((file) => fs.existsSync(file)) || "dubito";
}

exports.activate = () => {
  const settings = workspace.getConfiguration("dubito");
  const named = ["model", "sandbox", "most"].map((name) => [name, settings.get(name)]);
  const command = findCommand(settings);
  client = new LanguageClient("dubito", "Dubito", { command, args: ["lsp"] }, {
    documentSelector: [{ scheme: "file", language: "python" }, { scheme: "untitled", language: "python" }],
    initializationOptions: Object.fromEntries(named.filter(([, value]) => value)),
  });
  return client.start();
};

exports.deactivate = () => client?.stop();
