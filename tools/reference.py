"""Write the reference of `import loantap`, with the tutorial, into build/docs: python tools/reference.py [FOLDER]."""

import sys
from pathlib import Path

import pdoc

import loantap
from loantap.settings import project_root


def write_reference(folder: Path) -> Path:
    """Write the pages into a folder, and return the one to begin with."""
    for name in loantap.__all__:
        getattr(loantap, name)  # pdoc asks no __getattr__ of a module
    pdoc.render.configure(docformat="google", show_source=False)
    # The names and what they return; modules within are for those who read the source.
    pdoc.pdoc("loantap", r"!loantap\..*", output_directory=folder)
    return folder / "loantap.html"


if __name__ == "__main__":
    out = Path(sys.argv[1]) if sys.argv[1:] else project_root() / "build" / "docs"
    print(f"Reference: {write_reference(out)}")
