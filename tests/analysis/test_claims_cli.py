"""`loantap claims`: verdicts on counts alone, whole or absent, and a clear word on files that are none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loantap.analysis.claim_list import load_claims
from loantap.analysis.claims import VERDICTS
from loantap.cli.app import app
from loantap.errors import InputError
from loantap.settings import project_root

COUNTS = project_root() / "data" / "reference" / "published_counts.json"
CONTRACT = {"id", "claim", "estimate", "ci_low", "ci_high", "p_adjusted", "verdict", "evidence"}
EXTENDED = {"effect", "n", "wording", "basis", "exhibit"}


def claims(counts: Path, out: Path) -> str:
    done = CliRunner().invoke(app, ["claims", "--counts", str(counts), "--out", str(out)])
    if done.exception:
        raise done.exception
    return done.output


def test_it_writes_the_contract_and_prints_the_verdicts(tmp_path: Path):
    output = claims(COUNTS, tmp_path / "new" / "claims.json")
    entries = json.loads((tmp_path / "new" / "claims.json").read_text("utf-8"))
    assert [entry["id"] for entry in entries] == [claim.id for claim in load_claims()]
    for entry in entries:
        assert set(entry) >= CONTRACT | EXTENDED
        assert entry["verdict"] in VERDICTS
        assert entry["basis"] == "published counts of the real portfolio"
        assert entry["evidence"].endswith(".")
        assert entry["evidence"].count(". ") <= 2  # what was found, and what follows
        if entry["verdict"] == "cannot be tested":
            assert entry["estimate"] is None
        else:
            assert entry["ci_low"] <= entry["estimate"] <= entry["ci_high"]
            assert 0 <= entry["p_adjusted"] <= 1
    assert "Managers repay better" in output
    assert "does not hold" in output
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "claims.json"]


def test_other_counts_are_not_called_published(tmp_path: Path):
    content = json.loads(COUNTS.read_text("utf-8"))
    content["portfolio"] = "our branch"
    content["levels"]["profession"]["counts"]["Teacher"]["defaults"] = 600
    (tmp_path / "counts.json").write_text(json.dumps(content), "utf-8")
    claims(tmp_path / "counts.json", tmp_path / "out.json")
    entries = {entry["id"]: entry for entry in json.loads((tmp_path / "out.json").read_text("utf-8"))}
    assert entries["teachers"]["verdict"] == "supported"
    assert entries["teachers"]["basis"] == "counts of our branch"


def change(*path: str, value: object) -> str:
    content = json.loads(COUNTS.read_text("utf-8"))
    place = content
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "as JSON"),
        ("[]", "JSON object"),
        ("{}", "loans: Field required"),
        (change("loans", "defaults", value=None), "loans.defaults: Field required"),
        (change("levels", "grade", "counts", "A", "n", value=-5), "levels.grade.counts.A.n"),
        (change("levels", "grade", "counts", "A", "defaults", value=64_188), "defaults <= n"),
        (change("levels", "grade", "counts", "A", "n", value=300_000), "more than the portfolio's"),
        (change("levels", "grade", "counts", "A", "n", value="many"), "levels.grade.counts.A.n"),
        (change("levels", "grade", "counts", value={}), "levels.grade.counts"),
        (change("means", "dti", "repaid", "sd", value=0), "means.dti.repaid.sd"),
        (change("means", "dti", "repaid", "n", value=10**6), "more values than"),
        (change("lones", value={}), "lones"),
        (json.dumps({"by_loan_status": {}}), "published facts"),
    ],
)
def test_a_file_that_holds_no_counts_is_refused(tmp_path: Path, text: str, message: str):
    path, out = tmp_path / "counts.json", tmp_path / "out.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as refused:
        claims(path, out)
    assert refused.value.exit_code == 2
    assert message in str(refused.value)
    assert "data/reference/README.md" in str(refused.value)
    assert not out.exists()


def test_an_absent_file_and_a_folder_are_refused(tmp_path: Path):
    for path in (tmp_path / "no.json", tmp_path):
        with pytest.raises((InputError, IsADirectoryError)):
            claims(path, tmp_path / "out.json")
