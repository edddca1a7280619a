"""The script that holds notebooks to short cells that analyse in plain sight (part of `make lint`)."""

import json
import sys
from pathlib import Path

import pytest

from loantap.settings import project_root

sys.path.insert(0, str(project_root() / "tools"))
from notebook_lines import count_lines, main

IMPORTS = "import pandas as pd\nfrom statsmodels.api import Logit\nfrom loantap.exhibits import eda as exhibits"


def write(folder: Path, *cells: str, tags: tuple[str, ...] = ()) -> None:
    made = [{"cell_type": "code", "metadata": {}, "source": cell.splitlines(True)} for cell in cells]
    made.insert(0, {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": ["x: int = 1  # x\n"] * 30})
    (folder / f"{len(list(folder.iterdir()))}.ipynb").write_text(json.dumps({"cells": made}), "utf-8")


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("rates = counts.groupby('grade')[['n', 'defaults']].sum()", "analysing"),
        ("rates", "analysing"),
        ("publish(exhibits.rates(rates))", "publishing"),
        ("exhibits.rates(rates)", "publishing"),
        ("shown = exhibits.rates(rates)", "publishing"),
        ("run.write_result('eda', rates)", "publishing"),
        ("display(rates)", "publishing"),
        ("title = f'Loans over {months} months default more often than shorter ones'", "publishing"),
        ("# a comment", ""),
        ("from loantap.analysis.counts import SIZES", ""),
    ],
)
def test_a_line_analyses_or_publishes(cell: str, kind: str):
    counts, _ = count_lines([IMPORTS, cell])
    assert dict(counts) == ({kind: 1} if kind else {})


def test_each_line_of_a_block_counts_for_itself():
    cell = "for factor in factors:\n    table = pd.crosstab(\n        loans[factor], loans['default']\n    )\n    publish(exhibits.levels(table))"
    counts, used = count_lines([IMPORTS, cell])
    assert counts == {"analysing": 4, "publishing": 1}
    assert used == {"pandas"}


def test_an_import_alone_is_no_use():
    assert count_lines([IMPORTS, "publish(exhibits.levels(pd))"])[1] == set()


def test_long_cells_and_publishing_notebooks_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write(
        tmp_path,
        IMPORTS,
        "\n".join(f"a{n} = pd.Series()" for n in range(11)),
        "\n".join(["publish(x)"] * 10),
        "publish(y)\npublish(z)",
    )
    assert main(tmp_path) == 1
    told = capsys.readouterr().err
    assert "0.ipynb: expected cells of 10 lines or fewer, one has 11: a0 = pd.Series()" in told
    assert "expected more lines that analyse than lines that publish" in told
    assert "expected 5 notebooks or more" in told


def test_notebooks_of_the_manner_pass(tmp_path: Path):
    for _ in range(5):
        write(tmp_path, IMPORTS, "table = pd.crosstab(a, b)\ntable.sum()", "publish(exhibits.levels(table))")
    assert main(tmp_path) == 0
