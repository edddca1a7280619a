"""The example of docs/api.md: nothing is won by leaving a field out, and what the page says of answers is so."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

from loantap.data.application_file import open_applications
from loantap.data.applications import FIELDS
from loantap.data.columns import FEATURE_BY_NAME
from loantap.model.features import SUPPORT
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap.model.reasons import SLIGHT
from loantap.scoring.application import REASONS, all_reasons, score_application
from loantap.scoring.cautions import RARELY, Code
from loantap.settings import project_root
from loantap_serving.api.answers import ScoreAnswer
from loantap_serving.batch import score_applications

PAGE = (project_root() / "docs" / "api.md").read_text("utf-8")
EXAMPLE: dict[str, Any] = json.loads(re.search(r"-d '(\{.*?\})'", PAGE, re.DOTALL)[1])
# A month of funding that is left out is no unknown one: it is the present month.
MAY_BE_LEFT_OUT = [column.name for column in FIELDS if column.missing]


@pytest.mark.parametrize("name", MAY_BE_LEFT_OUT)
def test_nothing_is_won_by_leaving_a_field_out(model: SavedModel, name: str):
    whole = score_application(model, EXAMPLE).probability_of_default
    # The least change for the better would turn this referral.
    facts = model.metadata.model_copy(update={"threshold": whole})
    strict = replace(model, metadata=facts)
    assert score_application(strict, EXAMPLE).decision == "refer"
    bare = {field: value for field, value in EXAMPLE.items() if field != name}
    assert score_application(strict, bare).decision == "refer"
    lowering = [reason for reason in all_reasons(model, bare) if reason.effect == "lowers"]
    assert name not in FEATURE_BY_NAME[lowering[0].feature].sources
    assert not any("not known" in reason.text.partition(", although ")[0] for reason in lowering)


def test_the_example_as_a_file_gets_the_score_of_the_example(model: SavedModel, tmp_path: Path):
    pd.DataFrame([EXAMPLE]).to_csv(tmp_path / "one.csv", index=False)
    applications = open_applications(tmp_path / "one.csv", needed=source_columns(inputs=model.metadata.inputs))
    score_applications(model, applications, tmp_path / "scores.csv")
    scored = pd.read_csv(tmp_path / "scores.csv")["probability_of_default"]
    assert scored.tolist() == pytest.approx([score_application(model, EXAMPLE).probability_of_default], abs=1e-12)


def test_the_documented_answer_has_the_form_of_answers():
    answer = ScoreAnswer.model_validate_json(re.search(r"```json\n(\{\"probability.*?\})\n```", PAGE, re.DOTALL)[1])
    assert (answer.decision == "refer") == (answer.probability_of_default >= answer.threshold)
    strengths = [abs(reason.contribution) for reason in answer.reasons]
    assert strengths == sorted(strengths, reverse=True)
    for reason in answer.reasons:
        told = FEATURE_BY_NAME[reason.feature]
        assert reason.code == told.code
        assert reason.text.lower().startswith(f"{told.phrase.lower()} is ")
        assert reason.effect == ("raises" if answer.decision == "refer" else "lowers")


def test_the_page_names_every_kind_of_doubt():
    (said,) = re.findall(r"Warnings are\s(.*?)\.\s", PAGE, re.DOTALL)
    assert re.findall(r"`(\w+)`", said) == list(get_args(Code))


def test_the_pages_have_the_numbers_of_the_code():
    said = " ".join(PAGE.split())
    assert f"less than {100 * RARELY:g}% of the training loans of the last two years lacked" in said
    assert f"There are up to {REASONS}; beside the strongest, " in said
    assert f"of less than {SLIGHT} is no reason" in said
    models = (project_root() / "docs" / "models.md").read_text("utf-8")
    assert f"that less than {100 * SUPPORT:g}% of the training loans had" in models
