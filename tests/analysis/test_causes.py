"""What two runs were made from: loans, parameters or method."""

from copy import deepcopy
from typing import Any

import pytest

from loantap.analysis.causes import compare_causes, compare_facts, same_loans

PACKAGES = {"python": "3.11.7", "numpy": "2.4.6"}


def stage(name: str, **parameters: Any) -> dict[str, Any]:
    return {
        "name": name, "notebook_sha256": "n", "library": "l", "parameters": parameters, "packages": dict(PACKAGES),
        "inputs": {"data/loans.parquet": "loans", "reference/claims.yml": "c"}, "files": {},
    }  # fmt: skip


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A run of record on a file."""
    first = stage("ingest", data="/somewhere/loans.csv", rows=1_000, seed=0) | {
        "files": {"data/loans.parquet": "loans"}
    }
    data = {"kind": "file", "location": "/somewhere/loans.csv", "sha256": "raw", "rows": 7_239, "rows_read": 7_239, "defaults": 1_370, "period": ["2007-08", "2016-12"]}  # fmt: skip
    stages = [
        first,
        *(stage(name, alpha=0.05, seed=0) for name in ("association-grade", "tuning-a", "tuning-b")),
        stage("changes"),
    ]
    return {"run_id": "r1", "data": data, "stages": stages, "parameters": {}}


def told(earlier: dict[str, Any], later: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str, str]]:
    table = compare_causes(earlier, later)
    return {(row.aspect, row.what): (row.earlier, row.later, row.where) for row in table.itertuples()}


def test_a_run_differs_in_nothing_from_itself(manifest: dict[str, Any]):
    assert compare_causes(manifest, deepcopy(manifest)).empty
    assert same_loans(manifest, manifest)


def test_the_file_that_moved_is_the_same_file(manifest: dict[str, Any]):
    later = deepcopy(manifest)
    later["data"]["location"] = later["stages"][0]["parameters"]["data"] = "/elsewhere/loans.csv"
    assert compare_causes(manifest, later).empty


def test_other_loans_are_told_without_folders(manifest: dict[str, Any]):
    later = deepcopy(manifest)
    later["data"] |= {"location": "/somewhere/november.csv", "sha256": "other", "rows": 8_000}
    later["stages"][0]["files"]["data/loans.parquet"] = "more"
    found = told(manifest, later)
    assert {aspect for aspect, _ in found} == {"loans"}
    assert found["loans", "source"] == ("loans.csv", "november.csv", "")
    assert found["loans", "loans analysed"] == ("7,239", "8,000", "")


def test_each_parameter_is_told_with_its_stages(manifest: dict[str, Any]):
    later = deepcopy(manifest)
    for record in later["stages"][2:4]:
        record["parameters"]["alpha"] = 0.1
    later["stages"][1]["parameters"]["seed"] = 1
    assert told(manifest, later) == {
        ("parameters", "alpha"): ("0.05", "0.1", "tuning"),
        ("parameters", "seed"): ("0", "1", "association"),
    }


def test_notebook_library_packages_and_reference_files_are_the_method(manifest: dict[str, Any]):
    later = deepcopy(manifest)
    for record in later["stages"]:
        record["packages"]["numpy"] = "2.5.0"
    later["stages"][1] |= {"notebook_sha256": "n2", "library": "l2"}
    later["stages"][1]["inputs"]["reference/claims.yml"] = "c2"
    assert told(manifest, later) == {
        ("method", "package numpy"): ("2.4.6", "2.5.0", "all stages"),
        ("method", "notebook"): ("", "changed", "association"),
        ("method", "library"): ("", "changed", "association"),
        ("method", "reference file claims.yml"): ("", "changed", "association"),
    }


def test_other_cleaned_loans_from_the_same_file_are_a_change_of_method(manifest: dict[str, Any]):
    later = deepcopy(manifest)
    later["stages"][0]["files"]["data/loans.parquet"] = "cleaned in another way"
    later["stages"][0]["library"] = "l2"
    assert same_loans(manifest, later)
    assert {aspect for aspect, _ in told(manifest, later)} == {"method"}


def test_synthetic_loans_of_another_seed_are_other_loans(manifest: dict[str, Any]):
    manifest["data"] |= {"kind": "synthetic", "location": "synthetic", "sha256": None}
    later = deepcopy(manifest)
    later["stages"][0]["parameters"]["seed"] = 1
    later["stages"][0]["files"]["data/loans.parquet"] = "others"
    assert not same_loans(manifest, later)
    assert {aspect for aspect, _ in told(manifest, later)} == {"loans"}


def test_another_factor_is_a_parameter(manifest: dict[str, Any]):
    later = deepcopy(manifest)
    later["stages"].insert(2, stage("association-purpose"))
    assert told(manifest, later) == {("parameters", "factors"): ("grade", "grade, purpose", "")}


def test_facts_of_two_runs_stand_side_by_side():
    columns = [{"column": "pincode", "verdict": "leak"}, {"column": "grade", "verdict": "clear"}]
    clean = [{"column": "grade", "verdict": "clear"}]
    earlier = {"leaks": {"columns": columns}, "claims": [{"id": "one", "verdict": "supported"}]}
    later = {"leaks": {"columns": clean}, "claims": [{"id": "one", "verdict": "contradicted"}]}
    rows = {
        (row.part, row.what): (row.earlier, row.later, row.same) for row in compare_facts(earlier, later).itertuples()
    }
    assert rows["predictors", "leaks"] == ("pincode", "none", False)
    assert rows["claim", "one"] == ("supported", "contradicted", False)
    assert rows["claim, on the run's own loans", "one"] == ("not tested", "not tested", True)
