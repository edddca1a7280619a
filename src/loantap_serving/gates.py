"""The gates that a run's model has to pass before it may become the champion: each looks at numbers and says which."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from loantap.analysis.leaks import LEAK
from loantap.analysis.summaries import with_intervals
from loantap.data.columns import FEATURE_BY_NAME
from loantap.errors import InputError, LoanTapError
from loantap.exhibits.words import percent
from loantap.model.evaluation import fbeta_name
from loantap.model.inputs import check_allowed
from loantap.model.persistence import SavedModel, load_model
from loantap.runs.manifest import Manifest, read_manifest
from loantap.runs.results import RunFolder, is_synthetic
from loantap_serving import conduct_gates as conduct
from loantap_serving.card_check import check_card, held_out

ERROR_CEILING, CONFIDENCE = 0.03, 0.95
DECILE_TOLERANCE, DECILES_WITHIN = 0.01, 9
SIMPLE_RULES = ("reject all", "grade")
LARGEST_FALL = 0.05
Finding = tuple[bool, str]


class Evidence:
    """What the gates look at: a run, its manifest, and its model.

    Attributes:
        run: The run's folder.
        manifest: Its manifest.
        allow_synthetic: Whether a model of synthetic loans is wanted all the same.
        beside: Which of the models beside the run's champion is meant, "smote" or "scorecard"; empty for the champion.
        refusal: Why the model cannot be loaded; empty if it can.
    """

    def __init__(self, folder: Path, *, allow_synthetic: bool, beside: str) -> None:
        """Open a run; raises InputError if the folder holds none."""
        self.run, self.allow_synthetic, self.beside = RunFolder(folder), allow_synthetic, beside
        self.manifest: Manifest = read_manifest(folder)
        self.refusal = ""
        self._model: SavedModel | None = None
        try:
            self._model = load_model(model_folder(folder, beside=beside))
        except InputError as error:
            self.refusal = str(error)

    @property
    def model(self) -> SavedModel:
        """The model; raises InputError if it cannot be loaded."""
        if self._model is None:
            raise InputError("not judged, since the model cannot be loaded")
        return self._model

    @cached_property
    def unseen(self) -> pd.DataFrame:
        """The cleaned loans that the model was not fitted on; raises InputError if there is no model, or no loans."""
        return held_out(self.run, self.model)[1]


@dataclass(frozen=True)
class Gate:
    """A condition of promotion.

    Attributes:
        name: In a few words.
        rule: The condition.
        check: Tells whether it holds, and what was seen.
    """

    name: str
    rule: str
    check: Callable[[Evidence], Finding]


@dataclass(frozen=True)
class Verdict:
    """What a gate said.

    Attributes:
        gate: Its name.
        rule: Its condition.
        passed: Whether it holds.
        found: The numbers it looked at.
    """

    gate: str
    rule: str
    passed: bool
    found: str

    def plain(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return asdict(self)


def model_folder(run: Path, *, beside: str) -> Path:
    """Return where a run keeps its champion, or else the named model beside it."""
    return run / "model" / beside


def judge_run(folder: Path, *, allow_synthetic: bool = False, beside: str = "") -> list[Verdict]:
    """Hold a run's model against every gate; what a gate cannot judge does not pass it.

    Args:
        folder: The run's folder.
        allow_synthetic: Let a model of synthetic loans pass, for trying things out.
        beside: The model beside the champion to hold against them, "smote" or "scorecard"; empty for the champion.

    Raises InputError if the folder holds no run.
    """
    evidence = Evidence(folder, allow_synthetic=allow_synthetic, beside=beside)
    return [_judged(gate, evidence) for gate in GATES]


def _judged(gate: Gate, evidence: Evidence) -> Verdict:
    try:
        passed, found = gate.check(evidence)
    except LoanTapError as error:
        passed, found = False, str(error)
    except (LookupError, TypeError, ValueError) as error:  # a card or result that loantap did not write
        passed, found = False, f"not judged: {type(error).__name__} {error} in what the run left"
    return Verdict(gate.name, gate.rule, passed, found)


def _finished(evidence: Evidence) -> Finding:
    status = evidence.manifest.status
    return status == "done", f"run {evidence.manifest.run_id} is {status}"


def _sound(evidence: Evidence) -> Finding:
    if evidence.refusal:
        return False, evidence.refusal
    card, manifest = evidence.model.card, evidence.manifest
    own = card["run_id"] == manifest.run_id and card["data"]["sha256"] == manifest.data.get("sha256")
    return (
        own,
        f"model {evidence.model.version} of run {card['run_id']}, made from data {str(card['data']['sha256'])[:12]}",
    )


def _real(evidence: Evidence) -> Finding:
    made = bool(evidence.model.card.get("synthetic", True)) or is_synthetic(evidence.manifest.data)
    if not made:
        return True, "made from real loans"
    allowed = "; let through by --allow-synthetic" if evidence.allow_synthetic else ""
    return evidence.allow_synthetic, f"made from synthetic loans{allowed}"


def _beats_rules(evidence: Evidence) -> Finding:
    card = _sure_enough(evidence)
    rivals = {line["name"]: line for line in card["rivals"]}
    against = [rivals[name] for name in SIMPLE_RULES]
    found = ", ".join(
        f"'{line['name']}' {line['difference']:+.4f} ({line['difference_low']:+.4f} to {line['difference_high']:+.4f})"
        for line in against
    )
    return all(
        line["difference_low"] > 0 for line in against
    ), f"difference in {fbeta_name(card['beta']).upper()} from {found}"


def _calibrated(evidence: Evidence) -> Finding:
    """Judge calibration so that neither few nor many loans decide it.

    The calibration error must be shown to be small: the whole interval counts, so a small test cannot pass by its noise.
    A decile may miss by chance, and by a point, which no pricing notices; without that allowance any model fails once
    there are enough loans. Of deciles that are right, each misses in at most one of twenty samples.
    """
    card = _sure_enough(evidence)
    error, (_, high) = card["test"]["expected_calibration_error"], card["test"]["ci"]["expected_calibration_error"]
    counts = pd.DataFrame(card["calibration"]["deciles"]).rename(columns={"loans": "n"})
    deciles = with_intervals(counts, confidence=CONFIDENCE)
    low, high_rate = deciles["ci_low"] - DECILE_TOLERANCE, deciles["ci_high"] + DECILE_TOLERANCE
    within = int(deciles["predicted"].between(low, high_rate).sum())
    passed = error <= high <= ERROR_CEILING and within >= DECILES_WITHIN
    return passed, f"error {error:.4f}, upper end {high:.4f}; {within} of {len(deciles)} deciles"


def _no_leak(evidence: Evidence) -> Finding:
    metadata = evidence.model.metadata
    leaks = {line["column"] for line in evidence.run.result("leaks")["columns"] if line["verdict"] == LEAK}
    sources = {source for name in metadata.features for source in (name, *FEATURE_BY_NAME[name].sources)}
    if used := sorted(leaks & sources):
        return False, f"it looks at {', '.join(used)}, which gives the outcome away"
    if metadata.inputs == "with_pincode":
        return False, "its inputs are with_pincode, which serve comparison only"
    check_allowed(pd.DataFrame(columns=metadata.features), inputs=metadata.inputs)
    return True, f"{len(metadata.features)} features; leaks found in this run: {', '.join(sorted(leaks)) or 'none'}"


def _card_is_true(evidence: Evidence) -> Finding:
    return check_card(evidence.run, evidence.manifest, evidence.model, beside=evidence.beside)


def _holds_later(evidence: Evidence) -> Finding:
    card = _sure_enough(evidence)
    later = card["out_of_time"]
    if later is None:
        return False, "not judged: the run had too few later loans"
    now, then, low = card["test"]["roc_auc"], later["test"]["roc_auc"], later["test"]["ci"]["roc_auc"][0]
    found = (
        f"ROC-AUC {then:.4f} (from {low:.4f}) on {later['test']['n']:,} later loans, {now:.4f} on the test loans of all months; "
        f"later loans default at {later['default_rate']:.1%}, predicted {later['predicted']:.1%}"
    )
    return low > max(0.5, now - LARGEST_FALL), found


def _sure_enough(evidence: Evidence) -> dict[str, Any]:
    """Return the card; raises InputError if its intervals are narrower than the gates ask for."""
    card = evidence.model.card
    if card["confidence"] < CONFIDENCE:
        raise InputError(
            f"not judged: expected intervals of {percent(CONFIDENCE)} or more, the run has {percent(card['confidence'])}. "
            "Run the tuning stage with another confidence."
        )
    return card


# 'pincode' is no rule to beat: it gives the outcome away.
GATES = (
    Gate("finished run", "every stage of the run is done", _finished),
    Gate("sound model", "its seal and library versions are right, and the model is that of this run and data", _sound),
    Gate("real loans", "the loans are real; synthetic ones need --allow-synthetic", _real),
    Gate("beats simple rules", f"the {percent(CONFIDENCE)} interval of the paired difference in F-beta, the score it is tuned for, from 'reject all' and from 'grade' lies above 0",
         _beats_rules),
    Gate("calibrated", f"the {percent(CONFIDENCE)} interval of the calibration error ends at or below {ERROR_CEILING:g}, and in at least "
         f"{DECILES_WITHIN} of 10 deciles the predicted rate lies within {100 * DECILE_TOLERANCE:g} percentage point of the {percent(CONFIDENCE)} interval of the observed one",
         _calibrated),
    Gate("no leak column", "leaks were searched for, none is behind a feature, and every feature is allowed", _no_leak),
    Gate("model card", "the card is whole, and the saved model scored again on the test loans gives its numbers to 1e-9; "
         "the fast scorer gives the pipeline's probabilities to 1e-12", _card_is_true),
    Gate("holds later", f"the same recipe, fitted on earlier loans: on later ones the {percent(CONFIDENCE)} interval of ROC-AUC lies above 0.5, and above that on the "
         f"test loans less {LARGEST_FALL:g}",
         _holds_later),
    Gate("worse never scores better", "a column with a declared direction, changed for the worse over its whole allowed range in held-out loans, lowers no "
         f"probability by more than {conduct.ROUNDING:g}",
         lambda evidence: conduct.worse_scores_no_better(evidence.model, evidence.unseen)),
    Gate("leaving out buys nothing", f"wherever {percent(conduct.FEWEST_REFERRED)} to {percent(conduct.MOST_REFERRED)} of the held-out loans are referred, "
         f"leaving a field out turns at most {percent(conduct.TURNED)} of the referrals into approvals",
         lambda evidence: conduct.leaving_out_buys_nothing(evidence.model, evidence.unseen)),
    Gate("no reason against a direction", "no reason of a held-out loan says that a value on the risky side of the median lowers the risk, one on the safe side "
         "raises it, or one that is not known lowers it",
         lambda evidence: conduct.no_reason_against_a_direction(evidence.model, evidence.unseen)),
    Gate("holds by vintage", f"in each year of funding the predicted rate is within a factor of {conduct.RATE_FACTOR:g} of the {percent(CONFIDENCE)} interval of the observed "
         f"one, and that of ROC-AUC reaches the ROC-AUC of all held-out loans less {conduct.RANKING_FALL:g}; both intervals allow for the number of years",
         lambda evidence: conduct.holds_by_vintage(evidence.model, evidence.unseen)),
)  # fmt: skip
