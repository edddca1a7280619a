"""What one score costs, step by step: python tools/bench_score.py --model DIR. Writes a table of docs/api.md.

Everything is timed in one run, alternating, and the best of several rounds counts; ratios are to the bare dot product of
the same model, on a vector that is already encoded.
"""

import argparse
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from page_parts import write_measured
from scipy.special import expit

from loantap.data.applications import Application
from loantap.model.inputs import CATEGORIES, application_features
from loantap.model.persistence import SavedModel, load_model
from loantap.scoring.application import score_application
from loantap_serving.api.answers import score_json
from loantap_serving.api.openapi import EXAMPLE

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
ROUNDS = 15
SECONDS = 0.05  # a round of one step


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a model's folder")
    model = load_model(parser.parse_args().model)
    taken = measured(steps(model))
    base = next(iter(taken.values()))
    rows = [{"step": name, "microseconds": round(1e6 * s, 1), "ratio": round(s / base, 1)} for name, s in taken.items()]
    table = pd.DataFrame(rows).to_markdown(index=False)
    about = f"A model of encoding '{model.metadata.encoding}', {len(model.metadata.features)} inputs, {model.pipeline['model'].coef_.size} coefficients."
    print(table, "\n", about)
    write_measured(PAGE, "cost", f"{table}\n\n{about}")


def steps(model: SavedModel) -> dict[str, Callable[[], object]]:
    """Return what is timed, by what it is; all of them give the same probability."""
    application = Application.model_validate(EXAMPLE).model_dump()
    inputs, month = model.metadata.inputs, application["issue_d"]
    features = application_features(application, inputs=inputs, month=month)
    frame = pd.DataFrame([features]).astype({name: "float64" for name in features if name not in CATEGORIES})
    vector = np.asarray(model.pipeline[:-1].transform(frame)).ravel()
    coefficients, intercept = model.pipeline["model"].coef_[0], float(model.pipeline["model"].intercept_[0])
    slope, shift = model.metadata.slope, model.metadata.intercept
    scorer, calibration = model.scorer, model.calibration

    def dot() -> float:
        return expit(slope * (vector @ coefficients + intercept) + shift)

    def from_features() -> float:
        return calibration.one(sum(scorer.one(features)) + scorer.intercept)

    def from_application() -> float:
        made = application_features(application, inputs=inputs, month=month)
        return calibration.one(sum(scorer.one(made)) + scorer.intercept)

    def whole() -> float:
        return score_application(model, application).probability_of_default

    def checked() -> float:
        score = score_application(model, Application.model_validate(EXAMPLE).model_dump())
        score_json(score)
        return score.probability_of_default

    def pipeline() -> float:
        row = pd.DataFrame([features]).astype({name: "float64" for name in features if name not in CATEGORIES})
        return float(model.calibration(model.pipeline.decision_function(row))[0])

    found: dict[str, Callable[[], float]] = {
        "NumPy: encoded vector @ coefficients, expit": dot,
        "probability from features": from_features,
        "probability from an application": from_application,
        "the same with decision, reasons and warnings": whole,
        "the same with the check of the fields before and JSON after": checked,
        "scikit-learn: the pipeline on a one-row DataFrame": pipeline,
    }
    answers = [step() for step in found.values()]
    assert np.ptp(answers) < 1e-12, answers
    return dict(found)


def measured(timed: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the seconds of one call of each step, the best of all rounds."""
    calls = {name: max(1, int(SECONDS / (timeit.timeit(step, number=5) / 5))) for name, step in timed.items()}
    best = dict.fromkeys(timed, float("inf"))
    for _ in range(ROUNDS):
        for name, step in timed.items():
            best[name] = min(best[name], timeit.timeit(step, number=calls[name]) / calls[name])
    return best


if __name__ == "__main__":
    main()
