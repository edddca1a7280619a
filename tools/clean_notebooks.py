"""Take out of notebooks what JupyterLab leaves in them: python tools/clean_notebooks.py [--filter | --install].

Without an option the notebooks of the project are cleaned where they lie. `--filter` is what git calls for each notebook that is added:
it reads one and writes it clean, and the file keeps its outputs. `--install` tells this clone's git so.
"""

import json
import subprocess
import sys
from pathlib import Path

from loantap.files import write_text

ROOT = Path(__file__).resolve().parents[1]
# Whatever kernel somebody chose: `loantap run` takes the one of its own environment, which bears this name.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def clean(text: str) -> str:
    """Return a notebook with sources, cell ids and tags, without outputs, counts and what else tells of a session.

    Raises ValueError, KeyError, TypeError or AttributeError for a text that is no notebook.
    """
    # Not by nbstripout: it is told what to drop and never what to keep, leaves the name of whatever kernel was chosen, and with nbformat
    # takes over a second for each notebook that `git status` looks at.
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags")
        cell["metadata"] = {"tags": tags} if tags else {}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
    notebook["metadata"] = METADATA
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def install() -> None:
    """Let this clone's git clean notebooks when they are added; where there is no clone, there is nothing to do."""
    try:
        found = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:  # no git
        return
    if found.returncode or Path(found.stdout.strip()).resolve() != ROOT:
        return
    # Not "required": in a clone whose environment is gone, git says so and goes on.
    command = f'"{Path(sys.executable).as_posix()}" tools/clean_notebooks.py --filter'
    subprocess.run(["git", "config", "--local", "filter.notebooks.clean", command], cwd=ROOT, check=True)


def main(option: str | None = None) -> None:
    """Do what the option says."""
    if option == "--install":
        install()
    elif option == "--filter":
        text = sys.stdin.buffer.read().decode("utf-8")
        try:
            sys.stdout.buffer.write(clean(text).encode("utf-8"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SystemExit(f"expected a notebook, but: {error!r}. Git takes the file as it is.") from error
    else:
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            text = path.read_text("utf-8")
            if (cleaned := clean(text)) != text:
                write_text(path, cleaned)
                print(f"cleaned {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
