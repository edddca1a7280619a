"""A new champion takes over while requests run."""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from loantap.errors import InputError
from loantap.model.fitted import FittedModel
from loantap.model.persistence import model_version, save_model
from loantap_serving.api.app import create_app
from loantap_serving.api.models import Models


@pytest.fixture(scope="module")
def other_folder(fitted: FittedModel, loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model with another card, and so of another version."""
    return save_model(
        tmp_path_factory.mktemp("other") / "model", fitted, loans=loans, card={"name": "another"}, page=""
    )


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def test_the_same_model_is_not_loaded_again(model_folder: Path):
    models = Models(lambda: model_folder)
    assert models.refresh()
    first = models.current
    assert not models.refresh()
    assert models.current is first
    assert models.loads == 1


def test_a_first_model_that_cannot_be_loaded_is_an_error(tmp_path: Path):
    models = Models(lambda: tmp_path)
    with pytest.raises(InputError, match="expected a part of a saved model"):
        models.refresh()
    assert not models.ready


def test_a_new_champion_is_found_and_answers(model_folder: Path, other_folder: Path):
    place = [model_folder]
    models = Models(lambda: place[0])
    models.refresh()
    models.watch(0.02)
    thread = models._watcher
    models.watch(0.02)
    assert models._watcher is thread, "one looks already"
    place[0] = other_folder
    wait_for(lambda: models.current.version == model_version(other_folder))
    models.retire()
    thread.join(5)
    assert not thread.is_alive()


def test_a_model_replaced_in_its_place_is_found(model_folder: Path, other_folder: Path, tmp_path: Path):
    shutil.copytree(model_folder, tmp_path / "model")
    models = Models(lambda: tmp_path / "model")
    models.refresh()
    models.watch(0.02)
    shutil.rmtree(tmp_path / "model")
    shutil.copytree(other_folder, tmp_path / "coming")
    (tmp_path / "coming").rename(tmp_path / "model")
    wait_for(lambda: models.current.version == model_version(other_folder))
    models.retire()


def test_a_broken_champion_leaves_the_old_one_is_counted_and_told_once(
    model_folder: Path, other_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    broken = tmp_path / "broken"
    shutil.copytree(other_folder, broken)
    (broken / "reasons.json").write_text("[]")
    place = [model_folder]
    models = Models(lambda: place[0])
    models.refresh()
    caplog.set_level(logging.INFO, "loantap.api")
    models.watch(0.02)
    place[0] = broken
    wait_for(lambda: models.failures >= 3)
    assert models.current.version == model_version(model_folder)
    assert models.ready
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1
    assert "reasons.json" in told[0].facts["why"]
    place[0] = other_folder
    wait_for(lambda: models.current.version == model_version(other_folder))
    models.retire()


def test_the_watcher_survives_whatever_goes_wrong(model_folder: Path, other_folder: Path):
    answers: list[Any] = [OSError("gone"), ZeroDivisionError(), other_folder]

    def locate() -> Path:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    models = Models(lambda: model_folder)
    models.refresh()
    models._locate = locate
    models.watch(0.02)
    wait_for(lambda: models.current.version == model_version(other_folder))
    assert models.failures == 2
    models.retire()


def test_no_request_fails_while_models_are_swapped(model_folder: Path, other_folder: Path, application: dict[str, Any]):
    place = [model_folder]
    models = Models(lambda: place[0])
    models.refresh()
    app = create_app(models)
    versions = {model_version(model_folder), model_version(other_folder)}
    models.watch(0.01)
    done = threading.Event()
    answers: list[tuple[int, frozenset[str]]] = []

    def ask(path: str, given: Any) -> None:
        client = app.test_client()
        while not done.is_set():
            answer = client.post(path, json=given)
            scores = answer.json.get("scores", [answer.json])
            answers.append((answer.status_code, frozenset(score["model_version"] for score in scores)))

    asked = [("/v1/score", application), ("/v1/score/batch", {"applications": [application] * 20})] * 2
    threads = [threading.Thread(target=ask, args=one) for one in asked]
    for thread in threads:
        thread.start()
    for swap in range(8):
        before = models.loads
        place[0] = (other_folder, model_folder)[swap % 2]
        wait_for(lambda before=before: models.loads > before)
    done.set()
    for thread in threads:
        thread.join()
    models.retire()
    assert len(answers) > 50
    assert {status for status, _ in answers} == {200}
    assert {seen for _, seen in answers} == {frozenset({version}) for version in versions}
