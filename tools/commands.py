"""Write docs/commands.md from what `--help` says, or compare: python tools/commands.py [--check]."""

import os
import sys
from collections.abc import Iterator
from typing import Any

os.environ["TYPER_USE_RICH"] = "0"  # plain text, before typer is imported

from typer.main import get_command

from loantap.cli.app import app
from loantap.files import write_text
from loantap.settings import project_root

PAGE = project_root() / "docs" / "commands.md"
WIDTH = 110
HEAD = """# Commands

What `loantap COMMAND --help` says, written by `tools/commands.py`. `loantap` is in `.venv/bin/`; `source .venv/bin/activate` puts it on the PATH.
`RUN` is a run's folder or its name under `runs/`. Most commands take the newest finished run where none is named, and say which it is.

A command ends with 0 if it did what it says, with 1 if that did not come about (a gate, a server, a full disk, a signal), and with 2 if
the input or the options are wrong; nothing was changed then. What its messages mean: [troubleshooting](troubleshooting.md)."""


def page() -> str:
    """Return the page: a list of all commands, then what each says of itself."""
    found = list(commands("loantap", get_command(app), None))
    rows = [f"| [`{name}`](#{name.replace(' ', '-')}) | {sentence(command)} |" for name, command, _ in found]
    sections = [f"## {name}\n\n```text\n{said(context)}\n```" for name, _, context in found]
    return "\n\n".join([HEAD, "\n".join(["| command | what it does |", "|---|---|", *rows]), *sections]) + "\n"


def commands(name: str, command: Any, parent: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield each command that does something: the words that call it, the command, and its context."""
    context = command.context_class(command, info_name=name.split()[-1], parent=parent, max_content_width=WIDTH, terminal_width=WIDTH)  # fmt: skip
    if not hasattr(command, "commands") or (command.invoke_without_command and parent):
        yield name, command, context
    for word, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from commands(f"{name} {word}", inner, context)


def sentence(command: Any) -> str:
    """Return the first paragraph of a command's help."""
    return " ".join(command.help.split("\n\n")[0].split())


def said(context: Any) -> str:
    """Return a command's help without spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in context.get_help().strip().splitlines())


if __name__ == "__main__":
    if "--check" not in sys.argv:
        write_text(PAGE, page())
    elif PAGE.read_text("utf-8") != page():
        sys.exit(f"{PAGE}: the commands have changed. Write it again: python tools/commands.py")
