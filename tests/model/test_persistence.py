import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from loantap.errors import InputError
from loantap.model.compiled import compile_pipeline
from loantap.model.fitted import FittedModel
from loantap.model.inputs import feature_frame
from loantap.model.persistence import (
    CARD,
    METADATA,
    PICKLE,
    PIPELINE,
    REASONS,
    SCORER,
    TRAINING,
    export_pickle,
    load_model,
    model_version,
    save_model,
)
from loantap.model.seal import SMOTE, SUMS, check_seal, seal


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """A copy that may be spoilt."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def resealed(folder: Path) -> Path:
    """Mend the sums, as whoever changed a file on purpose would."""
    (folder / SUMS).unlink()
    seal(folder)
    return folder


def changed(folder: Path, name: str, **facts: object) -> Path:
    (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | facts))
    return resealed(folder)


def test_a_model_read_back_answers_as_the_one_that_was_saved(
    model_folder: Path, fitted: FittedModel, loans: pd.DataFrame
):
    features, read = feature_frame(loans, inputs="without_pincode"), load_model(model_folder)
    np.testing.assert_array_equal(
        read.calibration(read.pipeline.decision_function(features)), fitted.probability(features)
    )
    # Without the pipeline, from plain numbers: to rounding.
    np.testing.assert_allclose(read.probability(loans), fitted.probability(features), rtol=0, atol=1e-13)


def test_the_default_format_needs_no_type_beyond_those_that_skops_trusts_by_default(model_folder: Path):
    assert skops.io.get_untrusted_types(file=model_folder / PIPELINE) == []


def test_every_file_is_in_the_sums_and_sha256sum_agrees(model_folder: Path):
    listed = {line.split("  ")[1] for line in (model_folder / SUMS).read_text().splitlines()}
    assert listed == {path.name for path in model_folder.iterdir()} - {SUMS}
    done = subprocess.run(["sha256sum", "--check", SUMS], cwd=model_folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", [METADATA, PIPELINE, SCORER, REASONS, TRAINING, CARD, "model_card.html"])
def test_a_file_that_was_changed_is_named(folder: Path, name: str):
    with (folder / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(InputError, match=f"{name}: its sha256 is not the one"):
        load_model(folder)


@pytest.mark.parametrize("name", [METADATA, PIPELINE, REASONS, TRAINING, CARD, SUMS])
def test_a_file_that_is_missing_is_named(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: expected a part of a saved model"):
        load_model(folder)


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db"])
def test_what_a_desktop_leaves_is_told_as_that(folder: Path, name: str):
    (folder / name).write_bytes(b"\x00")
    with pytest.raises(InputError, match="a desktop leaves it where somebody has looked"):
        load_model(folder)


@pytest.mark.parametrize("names", [[METADATA], [SUMS], [METADATA, REASONS, SUMS]])
def test_line_ends_of_windows_are_told_as_that(folder: Path, names: list[str]):
    for name in names:
        (folder / name).write_bytes((folder / name).read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(InputError, match="its line ends were changed to CRLF"):
        load_model(folder)


def test_a_file_that_came_later_is_named(folder: Path):
    (folder / "helper.py").write_text("")
    with pytest.raises(InputError, match=r"helper\.py: it is not in SHA256SUMS"):
        load_model(folder)


@pytest.mark.parametrize(
    ("thing", "complaint"),
    [
        (os.system, "expected scikit-learn's types only"),
        ({"a": 1}, "expected a pipeline of standard, expand, model"),
        (None, "expected a pipeline that loantap wrote"),
    ],
)
def test_a_pipeline_file_that_holds_anything_else_is_refused_even_with_mended_sums(
    folder: Path, thing: object, complaint: str
):
    if thing is None:
        (folder / PIPELINE).write_bytes(b"no archive")
    else:
        skops.io.dump(thing, folder / PIPELINE)
    with pytest.raises(InputError, match=complaint):
        _ = load_model(resealed(folder)).pipeline
    (folder / SCORER).unlink()  # as in models of before
    with pytest.raises(InputError, match=complaint):
        load_model(resealed(folder))


def test_the_saved_numbers_are_the_pipelines(model_folder: Path, folder: Path):
    model = load_model(model_folder)
    assert model.scorer.stored() == compile_pipeline(model.pipeline).stored()
    (folder / SCORER).unlink()
    assert load_model(resealed(folder)).scorer.stored() == model.scorer.stored()


def test_numbers_of_a_wrong_form_are_named(folder: Path):
    numbers = json.loads((folder / SCORER).read_text())
    (folder / SCORER).write_text(json.dumps(numbers | {"intercept": "none"}))
    with pytest.raises(InputError, match=r"scorer\.json: expected what `loantap run` writes there"):
        load_model(resealed(folder))


def test_a_score_needs_neither_scikit_learn_nor_scipy(model_folder: Path):
    """They take most of the time in which a batch starts."""
    code = (
        "import sys; from pathlib import Path; import loantap_serving.batch; from loantap.model.persistence import load_model; "
        f"load_model(Path({str(model_folder)!r})).scorer; print(sorted({{'sklearn', 'scipy', 'skops', 'pandera'}} & {{*sys.modules}}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_another_version_of_scikit_learn_is_named(folder: Path):
    known = json.loads((folder / METADATA).read_text())["versions"]
    with pytest.raises(InputError, match=r"made with scikit-learn 0\.1"):
        load_model(changed(folder, METADATA, versions=known | {"scikit-learn": "0.1"}))


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (METADATA, {"threshold": "high"}),
        (METADATA, {"slope": None}),
        (METADATA, {"more": 1}),
        (TRAINING, {"rows": "many"}),
    ],
)
def test_facts_of_a_wrong_form_are_named(folder: Path, name: str, facts: dict):
    with pytest.raises(InputError, match="expected what `loantap run` writes there"):
        load_model(changed(folder, name, **facts))


def test_reasons_that_could_format_anything_are_refused(folder: Path):
    reasons = json.loads((folder / REASONS).read_text())
    reasons[0]["form"] = "{0.__class__}"
    (folder / REASONS).write_text(json.dumps(reasons))
    with pytest.raises(InputError, match="expected what `loantap run` writes there"):
        load_model(resealed(folder))


def test_features_that_do_not_fit_the_pipeline_are_refused(folder: Path):
    features = json.loads((folder / METADATA).read_text())["features"]
    with pytest.raises(InputError, match="name different features"):
        load_model(changed(folder, METADATA, features=features[::-1]))


def test_sums_that_are_none_are_named(folder: Path):
    (folder / SUMS).write_text("../../etc/passwd\n")
    with pytest.raises(InputError, match="expected lines of a sha256"):
        load_model(folder)


def test_the_version_follows_from_the_content_alone(
    folder: Path, model_folder: Path, fitted: FittedModel, loans: pd.DataFrame, tmp_path: Path
):
    assert model_version(folder) == model_version(model_folder)
    other = save_model(tmp_path / "other", fitted, loans=loans, card={"name": "another"}, page="")
    assert model_version(other) != model_version(model_folder)


def test_no_spreadsheet_reads_a_version_as_a_number(tmp_path: Path):
    for number in range(50):  # as digits alone and as 12e34 some would be
        (tmp_path / SUMS).write_text(str(number))
        assert re.fullmatch("[a-f][0-9a-f]{11}", model_version(tmp_path))


def test_a_new_model_takes_the_place_of_the_old_one(folder: Path, fitted: FittedModel, loans: pd.DataFrame):
    save_model(folder, fitted, loans=loans, card={"name": "newer"}, page="")
    assert load_model(folder).card == {"name": "newer"}
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_another_model_in_the_folder_is_no_part_of_the_model(
    folder: Path, model_folder: Path, fitted: FittedModel, loans: pd.DataFrame
):
    other = save_model(folder / SMOTE, fitted, loans=loans, card={"name": "another"}, page="")
    assert load_model(folder).version == model_version(folder) == model_version(model_folder)
    (folder / SUMS).unlink()
    seal(folder)
    assert model_version(folder) == model_version(model_folder)
    (other / CARD).write_text("{}")
    assert load_model(folder).version == model_version(model_folder)
    with pytest.raises(InputError, match="its sha256 is not the one"):
        load_model(other)


def test_a_file_by_the_name_of_the_other_models_folder_is_none(folder: Path):
    (folder / SMOTE).write_text("")
    with pytest.raises(InputError, match="smote: it is not in SHA256SUMS"):
        load_model(folder)


def test_a_model_takes_the_place_of_one_and_of_the_other(folder: Path, fitted: FittedModel, loans: pd.DataFrame):
    save_model(folder / SMOTE, fitted, loans=loans, card={}, page="")
    save_model(folder, fitted, loans=loans, card={}, page="")
    assert not (folder / SMOTE).exists()


def test_an_export_leaves_the_other_model_out(folder: Path, fitted: FittedModel, loans: pd.DataFrame, tmp_path: Path):
    save_model(folder / SMOTE, fitted, loans=loans, card={}, page="")
    export_pickle(folder, tmp_path / "pickled")
    assert not (tmp_path / "pickled" / SMOTE).exists()


def test_no_row_of_a_training_loan_is_in_the_folder(model_folder: Path, loans: pd.DataFrame):
    with zipfile.ZipFile(model_folder / PIPELINE) as parts:
        assert max(part.file_size for part in parts.infolist() if part.filename.endswith(".npy")) < len(loans)
    training = json.loads((model_folder / TRAINING).read_text())
    assert all(share * len(loans) >= 10 for levels in training["categories"].values() for share in levels.values())


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.mark,))


def test_a_pickle_is_read_only_with_its_sum_from_outside(model_folder: Path, loans: pd.DataFrame, tmp_path: Path):
    sums = export_pickle(model_folder, tmp_path / "pickled")
    assert sums == tmp_path / "pickled.sha256"
    with pytest.raises(InputError, match="a pickle can run any code"):
        load_model(tmp_path / "pickled")
    model = load_model(tmp_path / "pickled", pickle_sums=sums)
    np.testing.assert_array_equal(model.probability(loans), load_model(model_folder).probability(loans))
    done = subprocess.run(["sha256sum", "--check", sums.name], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0


def test_a_pickle_that_was_exchanged_runs_nothing(model_folder: Path, tmp_path: Path):
    sums, mark = export_pickle(model_folder, tmp_path / "pickled"), tmp_path / "ran"
    (tmp_path / "pickled" / PICKLE).write_bytes(pickle.dumps(Bomb(mark)))
    resealed(tmp_path / "pickled")
    for given in (None, sums):
        with pytest.raises(InputError, match=r"a pickle can run any code|its sha256 is not the one in"):
            load_model(tmp_path / "pickled", pickle_sums=given)
    assert not mark.exists()


def test_the_sum_of_a_pickle_must_lie_outside_of_its_folder(model_folder: Path, tmp_path: Path):
    sums = export_pickle(model_folder, tmp_path / "pickled")
    inside = Path(shutil.copy(sums, tmp_path / "pickled" / "x.sha256"))
    resealed(tmp_path / "pickled")
    for wrong in (inside, tmp_path / "absent"):
        with pytest.raises(InputError, match="expected a file outside"):
            load_model(tmp_path / "pickled", pickle_sums=wrong)


def test_an_export_never_overwrites(model_folder: Path, tmp_path: Path):
    export_pickle(model_folder, tmp_path / "pickled")
    with pytest.raises(InputError, match="expected nothing there"):
        export_pickle(model_folder, tmp_path / "pickled")


def test_a_model_that_is_exchanged_while_it_is_read_is_refused(
    folder: Path, fitted: FittedModel, loans: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    def exchange(given: Path) -> None:
        check_seal(given)
        save_model(folder, fitted, loans=loans, card={"name": "another"}, page="")

    monkeypatch.setattr("loantap.model.persistence.check_seal", exchange)
    with pytest.raises(InputError, match="another model took its place while it was read"):
        load_model(folder)


def test_a_folder_without_sums_has_no_version(tmp_path: Path):
    with pytest.raises(InputError, match="expected a saved model with its SHA256SUMS"):
        model_version(tmp_path)
