"""A finished run in MLflow: parameters, scores, exhibits, report and model, and the points of its searches as nested runs."""

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loantap.errors import InputError
from loantap.model.evaluation import fbeta_name
from loantap.model.persistence import CARD, PAGE, SavedModel, load_model
from loantap.runs.manifest import Manifest, read_manifest
from loantap.runs.results import MANIFEST, RunFolder
from loantap_serving.registry import VERSION_TAG, register_model, registered_version
from loantap_serving.tracking_store import (
    EXPERIMENT,
    VIEW,
    artifacts_uri,
    experiment_id,
    tracking_client,
    tracking_uri,
    without_secrets,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN_TAG, DATA_TAG, CONTENT_TAG = "loantap.run_id", "loantap.data_sha256", "loantap.manifest_sha256"
_PARENT = "mlflow.parentRunId"


@dataclass(frozen=True)
class Tracked:
    """Where a run is tracked.

    Attributes:
        uri: The tracking store, without a password.
        run_id: MLflow's id of the run.
        model_version: The version of its model.
        number: The number under which MLflow has registered that.
        new: Whether it was logged now; False if it was there.
    """

    uri: str
    run_id: str
    model_version: str
    number: str
    new: bool


def track_run(folder: Path, uri: str | None = None) -> Tracked:
    """Log a finished run; one that is logged already stays, and one that has changed since takes its place.

    No loan is logged: what is looks at loans in sums only, and the model's example is a synthetic application.

    Args:
        folder: The run's folder.
        uri: Of the tracking store; MLFLOW_TRACKING_URI or the local store if None.

    Raises InputError for a run that is not finished, MissingToolError without MLflow, SourceError if the store fails.
    """
    manifest = read_manifest(folder)
    if manifest.status != "done":
        raise InputError(
            f"{folder}: expected a finished run, it is {manifest.status}. Finish it: loantap run --resume {folder}"
        )
    model = load_model(folder / "model")
    uri = uri or tracking_uri()
    content = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    with tracking_client(uri) as client:
        experiment = _experiment(client, uri)
        for former in _tracked(client, experiment, manifest):
            number = registered_version(client, model.version)
            whole = former.info.status == "FINISHED" and former.data.tags.get(CONTENT_TAG) == content
            if whole and number is not None:
                return Tracked(without_secrets(uri), former.info.run_id, model.version, number, new=False)
            _withdraw(client, experiment, former.info.run_id)
        tags = _tags(manifest, model) | {CONTENT_TAG: content}
        run_id = client.create_run(experiment, _moment(manifest.started_at), tags, manifest.run_id).info.run_id
        _log_numbers(client, run_id, RunFolder(folder), manifest, model)
        _log_files(client, run_id, folder, manifest)
        _show_columns(client, experiment, model)
        _log_searches(client, experiment, run_id, RunFolder(folder).result("model")["without_pincode"])
        number = register_model(client, run_id, folder / "model", model)
        client.set_terminated(run_id, "FINISHED", _moment(manifest.finished_at))
    return Tracked(without_secrets(uri), run_id, model.version, number, new=True)


def _experiment(client: "MlflowClient", uri: str) -> str:
    return experiment_id(client) or client.create_experiment(EXPERIMENT, artifacts_uri(uri))


def _show_columns(client: "MlflowClient", experiment: str, model: SavedModel) -> None:
    """Let MLflow's page of the runs have the columns that a model is judged by."""
    scores = (fbeta_name(model.card["beta"]), "roc_auc", "average_precision", "brier", "expected_calibration_error")
    names = [*(f"test.{name}" for name in scores), "threshold"]
    state = {"selectedColumns": [f"metrics.`{name}`" for name in names]}
    client.set_experiment_tag(experiment, f"mlflow.sharedViewState.{VIEW}", json.dumps(state))
    client.set_experiment_tag(experiment, "mlflow.experimentKind", "custom_model_development")


def _tracked(client: "MlflowClient", experiment: str, manifest: Manifest) -> list[Any]:
    # Two runs that began in the same second have the same id.
    its_own = f"tags.`{RUN_TAG}` = '{manifest.run_id}' and tags.`{DATA_TAG}` = '{manifest.data['sha256']}'"
    return list(client.search_runs([experiment], its_own))


def _withdraw(client: "MlflowClient", experiment: str, run_id: str) -> None:
    """Mark a run and those nested in it as deleted; MLflow can restore them."""
    for nested in client.search_runs([experiment], f"tags.`{_PARENT}` = '{run_id}'"):
        client.delete_run(nested.info.run_id)
    client.delete_run(run_id)


def _tags(manifest: Manifest, model: SavedModel) -> dict[str, str]:
    return {
        RUN_TAG: manifest.run_id,
        DATA_TAG: manifest.data["sha256"],
        VERSION_TAG: model.version,
        "loantap.synthetic": "yes" if model.card["synthetic"] else "no",
        "loantap.threshold_rule": model.card["threshold_rule"],
        "git_commit": manifest.git_commit or "unknown",
    }


def _log_numbers(client: "MlflowClient", run_id: str, run: RunFolder, manifest: Manifest, model: SavedModel) -> None:
    card, cv, later = model.card, run.result("model")["without_pincode"]["cv"], model.card["out_of_time"]
    facts = model.metadata.model_dump(include={"inputs", "encoding", "sampler", "penalty", "C", "capacity"})
    parameters = {f"run.{name}": value for name, value in manifest.parameters.items()}
    parameters |= {f"model.{name}": value for name, value in facts.items()}
    parameters |= {f"data.{name}": manifest.data.get(name) for name in ("kind", "sha256", "rows", "defaults", "period")}
    parameters |= {f"split.{name}": value for name, value in card["split"].items()} | {"train_rows": card["train_rows"]}
    numbers: dict[str, Any] = {
        "threshold": model.threshold,
        "profit_threshold": model.metadata.profit_threshold,
        "capacity_threshold": model.metadata.capacity_threshold,
        **{f"referred.{name}": share for name, share in card["referred"].items()},
        **{f"calibration.{name}": value for name, value in card["calibration"].items() if name != "deciles"},
        **{f"cv.{name}": value for name, value in cv.items()},
        **_scores("test", card["test"]),
        **(_scores("later", later["test"]) if later else {}),
    }
    score = fbeta_name(card["beta"])
    for rival in card["rivals"]:
        for end in ("difference", "difference_low", "difference_high"):
            numbers[f"against.{rival['name']}.{score}_{end}"] = rival[end]
    deciles = {
        f"decile.{name}": [line[name] for line in card["calibration"]["deciles"]]
        for name in ("predicted", "default_rate", "ci_low", "ci_high")
    }
    _log(client, run_id, parameters, numbers, deciles)


def _scores(label: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return scores with the ends of their intervals, and the confusion, under names that MLflow takes."""
    found = {f"{label}.{name}": value for name, value in scores.items()}
    found |= {f"{label}.confusion.{name}": count for name, count in scores["confusion"].items()}
    for name, (low, high) in scores["ci"].items():
        found |= {f"{label}.{name}.ci_low": low, f"{label}.{name}.ci_high": high}
    return found


def _log(
    client: "MlflowClient",
    run_id: str,
    parameters: Mapping[str, Any],
    numbers: Mapping[str, Any],
    series: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    """Log in one request: parameters, numbers (others are left out), and series of numbers, one step each."""
    from mlflow.entities import Metric, Param

    steps = [(name, value, 0) for name, value in numbers.items()]
    steps += [(name, value, step) for name, values in (series or {}).items() for step, value in enumerate(values, 1)]
    moment = time.time_ns() // 1_000_000
    metrics = [
        Metric(name, float(value), moment, step)
        for name, value, step in steps
        if isinstance(value, (int, float)) and math.isfinite(value)
    ]
    client.log_batch(run_id, metrics, [Param(name, str(value)) for name, value in parameters.items()])


def _log_files(client: "MlflowClient", run_id: str, folder: Path, manifest: Manifest) -> None:
    """Log exhibits, results, report and environment; neither loans nor executed notebooks."""
    for name in ("figures", "tables"):
        client.log_artifacts(run_id, str(folder / "results" / name), name)
    for path in sorted((folder / "results").glob("*.json")):
        client.log_artifact(run_id, str(path), "results")
    if manifest.report:
        client.log_artifacts(run_id, str((folder / manifest.report["html"]).parent), "report")
    for name in (CARD, PAGE):
        client.log_artifact(run_id, str(folder / "model" / name), "model_card")
    client.log_dict(run_id, manifest.packages, "environment/packages.json")


def _log_searches(client: "MlflowClient", experiment: str, run_id: str, result: Mapping[str, Any]) -> None:
    """Log each point of the grid of the SMOTE model, and each candidate of the competition, as a nested run."""
    score = fbeta_name(result["beta"])
    for point in result["smote"]["search"]["grid"]:
        folds = [value for name, value in point.items() if name.startswith("fold_")]
        parameters = {"penalty": point["penalty"], "C": point["C"]}
        numbers = {name: point[name] for name in (f"{score}_mean", f"{score}_sd")}
        _nest(client, experiment, run_id, "grid point", f"SMOTE, {point['penalty']}, C = {point['C']:g}", parameters, numbers, {f"{score}_fold": folds})  # fmt: skip
    for candidate in result["competition"]["table"]:
        parameters = {name: candidate[name] for name in ("name", "C")}
        numbers = {name: value for name, value in candidate.items() if name not in parameters}
        _nest(client, experiment, run_id, "candidate", candidate["name"], parameters, numbers, {})


def _nest(
    client: "MlflowClient",
    experiment: str,
    parent: str,
    kind: str,
    name: str,
    parameters: Mapping[str, Any],
    numbers: Mapping[str, Any],
    series: Mapping[str, Sequence[Any]],
) -> None:
    nested = client.create_run(experiment, tags={_PARENT: parent, "loantap.kind": kind}, run_name=name).info.run_id
    _log(client, nested, parameters, numbers, series)
    client.set_terminated(nested)


def _moment(text: str | None) -> int | None:
    """Return a time of the manifest as MLflow wants it, in milliseconds."""
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)
