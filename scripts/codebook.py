"""Write the codebook of `loantap.data.columns` into data/README.md: python scripts/codebook.py."""

import pandas as pd

from loantap.data.columns import codebook
from loantap.files import write_text
from loantap.settings import project_root

START = "<!-- codebook: written by scripts/codebook.py -->"
END = "<!-- end of codebook -->"


def with_codebook(page: str) -> str:
    """Return the page with the part between the markers replaced by the codebook."""
    before, rest = page.split(START)
    _, after = rest.split(END)
    table = pd.DataFrame(codebook()).to_markdown(index=False, tablefmt="github")
    return f"{before}{START}\n\n{table}\n\n{END}{after}"


if __name__ == "__main__":
    path = project_root() / "data" / "README.md"
    write_text(path, with_codebook(path.read_text("utf-8")))
