"""Write the codebooks of loans, of features with retired codes, and of monthly snapshots into data/README.md: python tools/codebook.py."""

import pandas as pd

from loantap.data.columns import RETIRED, codebook, feature_codebook
from loantap.data.snapshot_contract import snapshot_codebook
from loantap.files import write_text
from loantap.settings import project_root

TABLES = {
    "codebook": codebook,
    "codebook of features": feature_codebook,
    "retired codes": lambda: [{"code": code, "stood for": meaning} for code, meaning in RETIRED.items()],
    "codebook of snapshots": snapshot_codebook,
}


def with_codebook(page: str) -> str:
    """Return the page with the parts between the markers replaced by the codebooks."""
    for name, rows in TABLES.items():
        start, end = f"<!-- {name}: written by tools/codebook.py -->", f"<!-- end of {name} -->"
        before, rest = page.split(start)
        _, after = rest.split(end)
        table = pd.DataFrame(rows()).to_markdown(index=False, tablefmt="github")
        page = f"{before}{start}\n\n{table}\n\n{end}{after}"
    return page


if __name__ == "__main__":
    path = project_root() / "data" / "README.md"
    write_text(path, with_codebook(path.read_text("utf-8")))
