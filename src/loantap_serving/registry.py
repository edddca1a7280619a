"""Models in MLflow's registry: logged without a pickle, registered once, with the aliases candidate and champion."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.data.application_file import WELCOME
from loantap.data.applications import FIELDS
from loantap.data.columns import OPTIONAL
from loantap.data.synthetic import generate_loans
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel, copy_model
from loantap_serving.tracking_store import tracking_client

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

REGISTERED = "loantap"
CANDIDATE, CHAMPION = "candidate", "champion"
VERSION_TAG = "loantap.model_version"
# loantap itself is not named: it is installed from a clone, and what a package index has by that name is not it.
_NEEDED = ("numpy", "pandas", "scikit-learn", "scipy", "skops")


def registered_version(client: "MlflowClient", version: str) -> str | None:
    """Return the number under which a model is registered, or None."""
    found = client.search_model_versions(f"name = '{REGISTERED}' and tags.`{VERSION_TAG}` = '{version}'")
    return max((str(one.version) for one in found), key=int, default=None)


def register_model(client: "MlflowClient", run_id: str, folder: Path, model: SavedModel) -> str:
    """Log a model with signature and example and register it, unless it is; give it the alias of the candidate.

    Args:
        client: Of the tracking store that MLflow's own functions use.
        run_id: MLflow's id of the run that made it.
        folder: The model's folder.
        model: The model in it.

    Returns the number under which it is registered.
    """
    import mlflow

    number = registered_version(client, model.version)
    if number is None:
        tags = {VERSION_TAG: model.version, "loantap.synthetic": "yes" if model.card["synthetic"] else "no"}
        with mlflow.start_run(run_id=run_id), TemporaryDirectory() as place:
            copy_model(folder, Path(place) / folder.name)
            logged = mlflow.pyfunc.log_model(
                name="model",
                loader_module="loantap.scoring.pyfunc",
                data_path=str(Path(place) / folder.name),
                signature=signature(model),
                input_example=example(),
                pip_requirements=[f"{name}=={model.metadata.versions[name]}" for name in _NEEDED],
                tags=tags,
            )
        if not client.search_registered_models(f"name = '{REGISTERED}'"):
            client.create_registered_model(REGISTERED)
        made = client.create_model_version(
            REGISTERED, logged.model_uri, run_id=run_id, tags=tags, model_id=logged.model_id
        )
        number = str(made.version)
    client.set_registered_model_alias(REGISTERED, CANDIDATE, number)
    return number


def point_champion(version: str) -> str | None:
    """Give a model's registered version the alias of the champion, and return its number.

    A champion that was not tracked has none: then no other version keeps the alias, and None is returned.
    """
    with tracking_client() as client:
        number = registered_version(client, version)
        if number is not None:
            client.set_registered_model_alias(REGISTERED, CHAMPION, number)
        elif client.search_registered_models(f"name = '{REGISTERED}'"):
            client.delete_registered_model_alias(REGISTERED, CHAMPION)
        return number


def signature(model: SavedModel) -> "ModelSignature":
    """Return what a logged model takes (an application's fields) and gives, from the codebook.

    Of inputs it names which have to be there and leaves their types open: MLflow would refuse 10000 for a number with decimals,
    and a column that holds nothing for a text. What a value may be is the codebook's to say, in `loantap.scoring.pyfunc`.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    needed = {*source_columns(inputs=model.metadata.inputs)} - {*WELCOME}
    fields: list[Any] = [
        ColSpec(AnyType(), field.name, required=field.name in needed and not field.missing) for field in FIELDS
    ]
    answer: list[Any] = [ColSpec("double", "probability_of_default"), ColSpec("string", "decision")]
    return ModelSignature(Schema(fields), Schema(answer))


def example() -> pd.DataFrame:
    """Return one application, made and not received."""
    made = generate_loans(1, seed=0)[[field.name for field in FIELDS if field.name not in OPTIONAL]]
    return made.assign(term=made["term"].str.strip())  # the raw format has a blank before it
