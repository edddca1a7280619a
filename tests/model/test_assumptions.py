"""The assumptions behind profit as a file: what it must hold, and who must agree with it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from loantap.errors import InputError
from loantap.model.economics import ASSUMPTIONS, FILE_NAME, Economics, load_assumptions
from loantap.runs.notebooks import stages_of
from loantap.settings import reference_dir


def written(folder: Path, **changes: Any) -> Path:
    """Write the project's file with something changed in its first assumption; None takes it out."""
    known = yaml.safe_load((reference_dir() / FILE_NAME).read_text("utf-8"))
    known[0] = {name: value for name, value in (known[0] | changes).items() if value is not None}
    path = folder / FILE_NAME
    path.write_text(yaml.safe_dump(known), "utf-8")
    return path


def test_the_defaults_of_the_economics_are_those_of_the_file():
    assert {one.name: one.default for one in ASSUMPTIONS} == vars(Economics())


def test_a_default_of_another_file_is_read(tmp_path: Path):
    assert load_assumptions(written(tmp_path, default=0.6))[0].default == 0.6


def test_each_range_leaves_room_on_both_sides():
    assert all(one.low < one.default < one.high for one in ASSUMPTIONS)


def test_what_is_said_to_be_checked_has_a_passage_that_was_read():
    assert all(one.passages for one in ASSUMPTIONS if one.checked)
    assert not next(one for one in ASSUMPTIONS if one.name == "loss_given_default").checked


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"default": 0.3}, "expected a range around the default 0.3, got 0.4 to 1"),
        ({"low": 0.8}, "expected a range around the default 0.75, got 0.8 to 1"),
        ({"high": 1.2}, "less than or equal to 1"),
        ({"source": "  "}, "at least 1 character"),
        ({"source": None}, "Field required"),
        ({"checked": True, "passages": []}, "expected a passage that was read, since it is said to be checked"),
        ({"passages": [{"title": "T", "by": "B", "date": "2020", "at": "somewhere", "says": "S"}]}, "should match pattern"),
        ({"other": 1}, "Extra inputs are not permitted"),
        ({"name": "default_after"}, "loss_given_default, default_after, settled_after, funding_cost, each once, got default_after, default_after"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_its_promises_is_refused(tmp_path: Path, changes: dict[str, Any], words: str):
    with pytest.raises(InputError, match=words):
        load_assumptions(written(tmp_path, **changes))


def test_no_file_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="expected the assumptions behind profit, found no file"):
        load_assumptions(tmp_path / FILE_NAME)


def test_the_policy_is_computed_again_when_the_file_changes():
    assert {stage.name for stage in stages_of({}) if FILE_NAME in stage.reference} == {"policy"}


def test_the_page_on_policy_repeats_none_of_the_ranges():
    page = (reference_dir().parents[1] / "docs" / "policy.md").read_text("utf-8")
    assert FILE_NAME in page
    assert not [one.name for one in ASSUMPTIONS if f"{100 * one.low:g} to {100 * one.high:g}%" in page]
    assert not [one.name for one in ASSUMPTIONS if f"{one.name}={one.default:g}" in page]
