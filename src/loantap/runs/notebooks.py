"""The notebooks of the job: their order, what each needs, and which parameters each takes."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loantap.analysis import levels
from loantap.errors import InputError, ParameterError
from loantap.runs.parameters import Parameter, parameters
from loantap.runs.results import OUT_OF_TIME
from loantap.settings import notebooks_dir

LOANS = "data/loans.parquet"
MODEL = "model/SHA256SUMS"  # follows from every file of the model
# The results that a run is compared with another in, besides those of its factors.
COMPARED = ("ingest", "eda", "leaks", "model", "policy", "claims")
# A parameter of the job: it says which association stages there are.
FACTORS = Parameter(
    "factors", "list[str]", default="['pincode', 'grade', 'profession', 'home_ownership']",
    help="which factors are tested for association with default", choices=levels.FACTORS,
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One execution of a notebook, which runs again when a file changes that it reads."""

    name: str  # its executed copy is `notebooks/NAME.ipynb`
    notebook: str  # its file name
    # Parameters that make it differ from others of the same notebook, and those unlike the notebook's own where nothing is given.
    fixed: Mapping[str, Any] = field(default_factory=dict)
    usual: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = (LOANS,)  # files of the run folder that it reads
    welcome: tuple[str, ...] = ()  # those that may be absent, since the loans cannot feed the stage that makes them
    reference: tuple[str, ...] = ()  # files of `data/reference/` that it reads
    beside: str = ""  # stages with the same word need nothing of each other, and may run at the same time

    @property
    def path(self) -> Path:
        """The notebook as committed."""
        return notebooks_dir() / self.notebook


def stages_of(given: Mapping[str, Any]) -> tuple[Stage, ...]:
    """Return the stages of a run with these parameters, in order: one association stage for each of its factors.

    Raises ParameterError for factors that cannot be tested.
    """
    factors = factors_of(given)
    titles = ("professions.csv",)  # read by a stage that groups loans by their profession
    compared = (*COMPARED, *(f"association_{factor}" for factor in factors))
    told_on_the_card = (LOANS, "results/ingest.json", "results/leaks.json")
    quick = {
        "ablation_rows": 10_000
    }  # for comparison only: samplers and features compete on fewer loans where nobody says how many
    association, tuning = "03_association.ipynb", "04_tuning.ipynb"
    tested = {factor: titles if levels.source_column(factor) == "emp_title" else () for factor in factors}
    return (
        Stage("ingest", "01_ingest.ipynb", needs=(), reference=("synthetic_reference.json",)),
        Stage("eda", "02_eda.ipynb", beside="counts"),
        *(
            Stage(f"association-{one}", association, {"factor": one}, reference=files, beside="counts")
            for one, files in tested.items()
        ),
        # Each takes all cores, and the memory of two others.
        Stage(
            "tuning-without-pincode", tuning, {"inputs": "without_pincode"}, needs=told_on_the_card, reference=titles
        ),
        Stage("tuning-with-pincode", tuning, {"inputs": "with_pincode"}, quick, reference=titles),
        Stage("tuning-application-only", tuning, {"inputs": "application_only"}, quick, reference=titles),
        Stage(
            "policy",
            "05_policy.ipynb",
            needs=(LOANS, MODEL, OUT_OF_TIME),
            reference=("assumptions.yml", *titles),
            beside="model",
        ),
        Stage(
            "early-warning",
            "06_early_warning.ipynb",
            needs=(LOANS, MODEL),
            reference=("early_warning.yml",),
            beside="model",
        ),
        Stage(
            "claims",
            "07_claims.ipynb",
            welcome=("results/model.json",),
            reference=("claims.yml", "published_counts.json", *titles),
            beside="model",
        ),
        Stage("changes", "08_changes.ipynb", welcome=tuple(f"results/{name}.json" for name in compared)),
    )


def factors_of(given: Mapping[str, Any]) -> list[str]:
    """Return the factors of a run with these parameters."""
    return list(FACTORS.parse(given.get(FACTORS.name, ast.literal_eval(FACTORS.default)), notebook="loantap run"))


def named_stages(
    only: str | None, factor: str | None, *, stages: tuple[Stage, ...], with_ingest: bool
) -> tuple[Stage, ...]:
    """Return all stages, or those of one name and what they need first.

    Args:
        only: A stage's name, or what several begin with (association, tuning); None for all.
        factor: One factor of the association stages.
        stages: Those of the run.
        with_ingest: Whether the loans have to be read first.

    Raises InputError for a name that no stage has.
    """
    if only is None:
        return stages
    wanted = f"{only}-{factor}" if factor else only
    chosen = [stage for stage in stages if stage.name == wanted or stage.name.startswith(f"{wanted}-")]
    if not chosen:
        raise InputError(f"--only expected one of {', '.join(stage.name for stage in stages)}, got '{only}'.")
    return tuple(stage for stage in stages if stage in chosen or (with_ingest and stage.name == "ingest"))


def with_factor(
    given: Mapping[str, Any], factor: str | None, *, only: str | None, former: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the parameters that are given, with a factor that is asked for by itself among the run's factors.

    Args:
        given: What is given.
        factor: The factor; None for none.
        only: The stages that are asked for.
        former: The parameters of the run that goes on.

    Raises InputError for one that cannot be tested, and where the association is not asked for.
    """
    if factor is None:
        return dict(given)
    if only != "association":
        raise InputError("--factor goes with --only association.")
    if factor not in FACTORS.choices:
        raise InputError(f"--factor expected one of {', '.join(FACTORS.choices)}, got '{factor}'.")
    factors = factors_of({**former, **given})
    return {**given, **({} if factor in factors else {FACTORS.name: [*factors, factor]})}


def check_parameters(stages: tuple[Stage, ...], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each stage's parameters, checked before anything runs.

    Args:
        stages: The stages that will run.
        given: Values by name; a name goes to every notebook that declares it, `STAGE.name` to one stage only.

    `factors` is a parameter of the job, not of a notebook. Raises ParameterError for a name that neither knows, a wrong type or a value
    that is not allowed.
    """
    known = {stage.name: parameters(stage.path) for stage in stages}
    chosen: dict[str, dict[str, Any]] = {stage.name: {**stage.usual, **stage.fixed} for stage in stages}
    factors_of(given)
    # What is said of one stage has the last word.
    for full_name, value in sorted(given.items(), key=lambda item: "." in item[0]):
        if full_name == FACTORS.name:
            continue
        target, _, name = full_name.rpartition(".")
        takers = [stage for stage in stages if target in ("", stage.name) and name in known[stage.name]]
        if not takers:
            raise _unknown(full_name, stages, known)
        for stage in takers:
            if name in stage.fixed and not target:
                continue
            chosen[stage.name][name] = known[stage.name][name].parse(value, notebook=stage.notebook)
    return chosen


def merged_parameters(
    former: Mapping[str, Any], given: Mapping[str, Any], only: tuple[Stage, ...] | None
) -> dict[str, Any]:
    """Return a run's parameters with those that are given anew.

    Args:
        former: The run's, by name or `STAGE.name`.
        given: The new ones.
        only: The stages that they are given for; None for all.
    """
    merged = dict(former)
    for full_name, value in sorted(given.items(), key=lambda item: "." in item[0]):  # as in `check_parameters`
        if "." in full_name or only is None or full_name == FACTORS.name:
            merged = {name: old for name, old in merged.items() if name.rpartition(".")[2] != full_name}
            merged[full_name] = value
        else:
            takers = [stage for stage in only if full_name in parameters(stage.path) and full_name not in stage.fixed]
            merged |= {f"{stage.name}.{full_name}": value for stage in takers}
    return merged


def _unknown(full_name: str, stages: tuple[Stage, ...], known: Mapping[str, Mapping[str, Parameter]]) -> ParameterError:
    target, _, name = full_name.rpartition(".")
    if target and target not in known:
        return ParameterError(f"'{full_name}': expected one of the stages {', '.join(known)}, got '{target}'.")
    declared = {name for stage in stages for name in known[stage.name] if target in ("", stage.name)} - {"run_dir"}
    names = sorted(declared if target else {*declared, FACTORS.name})
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    where = next(stage.notebook for stage in stages if stage.name == target) if target else "no notebook"
    what = f"{where} has no parameter '{name}'" if target else f"{where} has a parameter '{name}'"
    return ParameterError(f"{what}.{hint} Known: {', '.join(names)}.")


STAGES = stages_of({})  # those of a run that is told nothing else
