"""What two runs were made from, and what they found in words: read from their manifests and results."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal

import pandas as pd

Manifest = Mapping[str, Any]
Results = Mapping[str, Any]
Aspect = Literal["loans", "parameters", "method"]
_OWN = "changes"  # the stage that compares: no part of what is compared
# Of the first stage: they name the loans, which are compared themselves.
_READS_LOANS = ("data", "sources", "rows", "seed")
_LOANS = "data/loans.parquet"
_DIGITS = 12
_SYNTHETIC = "reference/synthetic_reference.json"


def compare_causes(earlier: Manifest, later: Manifest) -> pd.DataFrame:
    """Return what differs between what two runs were made from, by their manifests; one row per difference.

    Returns:
        aspect (loans, parameters or method), what, earlier, later, where (the stages concerned); texts. A parameter
        that only one of the runs knows comes from another version of its notebook, and counts with that.
    """
    before, after = _stages(earlier), _stages(later)
    both = {name: (before[name], after[name]) for name in after if name in before}
    rows = [*_loans(earlier, later), *_parameters(both), *_factors(before, after), *_method(both)]
    table = pd.DataFrame(rows, columns=["aspect", "what", "where", "earlier", "later"])
    texts = [name for name in table if name != "where"]
    merged = table.groupby(texts, sort=False)["where"].agg(lambda names: _stages_told(list(names), list(both)))
    return merged.reset_index()[["aspect", "what", "earlier", "later", "where"]]


def same_loans(earlier: Manifest, later: Manifest) -> bool:
    """Tell whether two runs read the same loans: the same file, the same simulation, or else the same cleaned loans."""
    first, second = earlier["data"], later["data"]
    before, after = _stages(earlier), _stages(later)
    if _files(before).get(_LOANS) == _files(after).get(_LOANS) is not None:
        return True
    if first.get("kind") != second.get("kind"):
        return False
    if first.get("sha256") and second.get("sha256"):
        return bool(first["sha256"] == second["sha256"])
    if first.get("kind") == "synthetic":
        (rows, seed, source), again = (
            (*map(stages["ingest"]["parameters"].get, ("rows", "seed")), stages["ingest"]["inputs"].get(_SYNTHETIC))
            for stages in (before, after)
        )
        return (rows, seed, source) == again
    return False


def compare_facts(earlier: Results, later: Results) -> pd.DataFrame:
    """Return what two runs found that is no number with an interval, as texts side by side; None where a run has none.

    Takes by name what the runs have of leaks, eda, model, policy and claims; returns part, what, earlier, later, same.
    """
    before, after = ({(part, what): text for part, what, text in _facts(one)} for one in (earlier, later))
    keys = [*after, *(key for key in before if key not in after)]
    rows = [(*key, before.get(key), after.get(key), before.get(key) == after.get(key)) for key in keys]
    return pd.DataFrame(rows, columns=["part", "what", "earlier", "later", "same"])


def _stages(manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    return {record["name"]: record for record in manifest["stages"] if record["name"] != _OWN}


def _stages_told(names: list[str], every: list[str]) -> str:
    """Return stages as a list; all of them, or all of a notebook, in one word."""
    if len(names) == len(every):
        return "all stages"
    for prefix in ("association", "tuning"):
        own = [name for name in every if name.startswith(f"{prefix}-")]
        if own and set(own) <= set(names):
            names = [name for name in names if name not in own]
            names.append(prefix)
    return ", ".join(filter(None, names))


def _files(stages: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
    return stages.get("ingest", {}).get("files", {})


def _loans(earlier: Manifest, later: Manifest) -> Iterator[tuple[str, ...]]:
    if same_loans(earlier, later):
        return
    names = {"source": "location", "records read": "rows_read", "loans analysed": "rows"}
    for what in ("source", "kind", "records read", "loans analysed", "defaults", "period"):
        name = names.get(what, what)
        first, second = (_text(manifest["data"].get(name)) for manifest in (earlier, later))
        if what == "source":
            first, second = PurePosixPath(first).name, PurePosixPath(second).name
        if first != second:
            yield "loans", what, "", first, second
    sums = [_files(_stages(manifest)).get(_LOANS, "")[:_DIGITS] for manifest in (earlier, later)]
    yield "loans", "checksum of the cleaned loans", "", *sums


def _parameters(both: Mapping[str, tuple[Any, Any]]) -> Iterator[tuple[str, ...]]:
    for stage, (before, after) in both.items():
        for name, value in after["parameters"].items():
            former = before["parameters"].get(name, value)
            if former == value or (stage == "ingest" and name in _READS_LOANS):
                continue
            sums = [side["inputs"].get(str(path)) for side, path in ((before, former), (after, value))]
            if sums[0] is None or sums[0] != sums[1]:  # a file that moved is the same file
                yield "parameters", name, stage, _text(former), _text(value)


def _factors(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    tested = [
        [name.removeprefix("association-") for name in stages if name.startswith("association-")]
        for stages in (before, after)
    ]
    if set(tested[0]) != set(tested[1]):
        yield "parameters", "factors", "", *(", ".join(names) for names in tested)
    for name in [name for name in {**before, **after} if not name.startswith("association-")]:
        if (name in before) != (name in after):
            yield "method", "stage", name, *("run" if name in stages else "not run" for stages in (before, after))


def _method(both: Mapping[str, tuple[Any, Any]]) -> Iterator[tuple[str, ...]]:
    for stage, (before, after) in both.items():
        for what, name in (("notebook", "notebook_sha256"), ("library", "library")):
            if before[name] != after[name]:
                yield "method", what, stage, "", "changed"
        for package in sorted({*before["packages"], *after["packages"]}):
            first, second = (side["packages"].get(package, "none") for side in (before, after))
            if first != second:
                yield "method", f"package {package}", stage, first, second
        for path in [path for path in after["inputs"] if path.startswith("reference/")]:
            if before["inputs"].get(path) != after["inputs"][path]:
                yield "method", f"reference file {PurePosixPath(path).name}", stage, "", "changed"


def _facts(results: Results) -> Iterator[tuple[str, str, str]]:
    if leaks := results.get("leaks"):
        named = [row["column"] for row in leaks["columns"] if row["verdict"] == "leak"]
        yield "predictors", "leaks", ", ".join(named) or "none"
    if strength := (results.get("eda") or {}).get("strength"):
        leaking = {row["column"] for row in (leaks or {"columns": []})["columns"] if row["verdict"] == "leak"}
        clear = [row for row in strength if row["driver"] not in leaking and row["auc"] is not None]
        yield "predictors", "strongest", clear[0]["driver"] if clear else "none"
    if model := (results.get("model") or {}).get("without_pincode"):
        inputs = model["directions"]["inputs"] if model.get("directions") else []
        yield "model", "recipe", (model.get("competition") or {}).get("champion", "")
        yield "model", "penalty strength", f"C = {model['best_params']['C']:g}"
        yield "model", "inputs", ", ".join(row["feature"] for row in inputs if row["kept"])
        for row in inputs:
            yield "directions", row["feature"], f"{row['higher']}, {row['verdict']}"
        yield "model", "threshold for referral", f"{model['threshold']:.1%}"
    if policy := results.get("policy"):
        chosen = policy["recommended"]
        titles = {row["name"]: row["title"] for row in policy.get("policies", [])}
        yield "policy", "verdict", chosen.get("verdict") or "none"
        yield "policy", "recommended", titles.get(chosen.get("name"), "none")
        yield "policy", "candidate", (chosen.get("candidate") or {}).get("title", "none")
        yield "policy", "rules", "; ".join(chosen.get("rules") or []) or "none"
        for row in policy.get("assumptions", []):
            yield "assumptions", row["label"], f"{row['default']:g} ({row['low']:g} to {row['high']:g})"
    for claim in results.get("claims") or []:
        yield "claim", claim["id"], claim["verdict"]
        own = (claim.get("this_run") or {}).get("verdict") or "not tested"
        yield "claim, on the run's own loans", claim["id"], own


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        between = " to " if len(value) == 2 and all(isinstance(one, str) for one in value) else ", "
        return between.join(map(str, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "none" if value in (None, "") else str(value)
