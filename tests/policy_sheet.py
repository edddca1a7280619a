"""A small decision sheet for the run of `serve_run`: three policies, on its own test loans."""

from pathlib import Path
from typing import Any

import pandas as pd
from sealed import seal_run

from loantap.exhibits import decision, decision_advice
from loantap.exhibits.economics import assumption_table
from loantap.model.economics import Economics
from loantap.policy.levers import Cap
from loantap.policy.verdicts import APPROVE_ALL, choose
from loantap.runs.results import RunFolder
from loantap.runs.what_if import what_if

CONFIDENCE = 0.9
HIGHEST = 9_999  # percent, the codebook's highest DTI; nobody is above it


def write_sheet(folder: Path, economics: Economics | None = None, **changed: Any) -> dict[str, Any]:
    """Write `results/policy.json` of a run: refusing nobody, a threshold, two caps; return it.

    Args:
        folder: The run.
        economics: What is assumed.
        changed: Parts of the sheet that say something else.
    """
    run, assumed = RunFolder(folder), assumption_table(economics or Economics())
    basis = {"confidence": CONFIDENCE, "assumptions": assumed.to_dict("records")}
    run.write_result(
        "policy", basis | {"policies": [{"name": APPROVE_ALL}]}
    )  # so that what is asked is asked on this basis
    asked = {"repetitions": 20, "random_state": 0}
    found = what_if(run, [], threshold=0.3, **asked)
    entries = [found.beside[0], found.effect | {"name": "threshold_f2", "title": "F2 threshold_of the model"}]
    for name, limit in (("cap_dti", 25.0), ("cap_none", float(HIGHEST))):
        entry = what_if(run, [Cap("dti", limit)], threshold=None, **asked).effect
        entries.append(entry | {"name": name, "title": f"cap on DTI at {limit:g}"})
    flat = pd.DataFrame(entries)
    choice = choose(flat[["name", "gain"]], flat[["name", "verdict"]])
    sheet = basis | {
        "n": entries[0]["n"],
        "policies": entries,
        "recommended": decision.recommended(entries, choice),
        "recommendation": decision_advice.recommendation(choice, entries, CONFIDENCE),
        "caveat": "These are synthetic loans. Assumed: much.",
    }
    run.write_result("policy", sheet | changed)
    seal_run(folder)
    return run.result("policy")
