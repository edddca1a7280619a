"""The model's and the policy's file for a risk function: what a run has found, section by section, and blanks that only people fill in.

Nothing is computed here: figures come from results, published tables, manifest and model card, limits from the code that enforces them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from loantap.exhibits.card import SYNTHETIC, conduct, leaks_told, made
from loantap.exhibits.collection_sentences import SIGNAL_WORDS
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.heads import LABELS
from loantap.exhibits.words import bullets, columns, estimate, plain, show, to_markdown
from loantap.watchlist import drift

Result = Mapping[str, Any]
RESULTS = ("ingest", "eda", "leaks", "early_warning")  # read where the run has them, besides model and policy
_DATA = ("ingest-accounts", "ingest-problems", "ingest-missing")
_PERFORMANCE = tuple(f"model-{name}-without-pincode" for name in ("scores", "baselines", "calibration", "groups"))
_DIRECTIONS = tuple(f"model-{name}-without-pincode" for name in ("directions", "directions-price"))
_LATER, _VINTAGE = "model-out-of-time-without-pincode", "eda-vintage"
_WATCH = ("warning-drift", "warning-calibration")
_SHEET = tuple(f"policy-{name}" for name in ("sheet", "surety", "intervals", "composition", "gaps"))
_STRESS = tuple(f"policy-{name}" for name in ("scenarios", "stress-sheet", "turns", "expected-loss"))
TABLES = ("policy-assumptions", *_SHEET, *_STRESS, *_DATA, *_PERFORMANCE, _LATER, _VINTAGE, *_DIRECTIONS, *_WATCH)

_LINE = "_" * 20
BLANK = plain(_LINE)
_WIDEST, _NARROWEST = 44, 9  # signs by which a column's share of the page is counted at most and at least
_KEY = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b(?!\.\w)")  # a name of the code, and no file's
_KEPT = re.compile(r"data/loans\.parquet|model/[^/]+|results/(model|policy)\.json")
_SIGNED = ("role", "name", "finding or decision", "date", "signature")
_ROLES = ("Owner", "Developer", "Independent review", "Approval", "Sign-off", "Next review")


@dataclass(frozen=True)
class Material:
    """What the file is made from."""

    manifest: Result  # of the run
    card: Result  # the model card of its champion
    version: str  # the model's
    results: Mapping[str, Any]  # by name: model and policy, and those of RESULTS that the run has
    tables: Mapping[str, tuple[Exhibit, pd.DataFrame]]  # by name those of TABLES that the run has, with their words
    gates: Sequence[Result]  # what promotion asks of a model, and what this one gives: gate, rule, passed and found
    supervision: str  # how sections map to supervisors' texts, as Markdown of the project's own

    def table(self, *names: str) -> list[str]:
        """Return published tables with their words; of many months the last, of vintages those of all terms; nothing of what the run has not."""
        parts = []
        for words, rows in (self.tables[name] for name in names if name in self.tables):
            rows = rows[rows["month"] == rows["month"].max()] if "month" in rows else rows[rows["term"] == "all"] if "term" in rows else rows  # fmt: skip
            parts += [_table(rows, words.columns) if len(rows) and words.columns else "", words.line]
        return parts


def dossier(of: Material) -> list[str]:
    """Return the file as parts in Markdown, as `single_page` takes them; texts that people wrote are escaped."""
    card, chosen, policy = of.card, of.results["model"]["without_pincode"], of.results["policy"]
    data, ingest, leaks = card["data"], of.results.get("ingest") or {}, of.results.get("leaks") or {}
    whys = [f"{LABELS.get(line['column'], line['column'])}: {line['why']}" for line in card["not_features"]]
    sheet = [
        "The policy was made by an older version, whose results hold no verdicts: run again. No recommendation is repeated here."
    ]
    if "policies" in policy and "verdict" in policy["recommended"]:
        names = ("recommendation", "who", "against_risk", "thresholds_sentence", "fairness")
        sheet = [*(_said(policy[name]) for name in names), *of.table(*_SHEET)]
    parts = [
        f"# Model and policy file: {_said(card['name'])}",
        SYNTHETIC if card["synthetic"] else "",
        f"Every figure is from the results, the manifest and the model card of run {plain(of.manifest['run_id'])}; none is typed by hand. A "
        f"line such as {BLANK} is a blank for people: no owner, reviewer or approver is known to the software, and it fills in none. This file "
        "is no legal advice, and does not say that a law or a supervisor's text is met.",
        "## Inventory entry", *_inventory(of),
        "## Materiality", *_materiality(of),
        "## Decision sheet", *sheet,
        "## Purpose and use", "For:", _list(card["uses"]), "Not for:", _list(card["misuses"]), _fields({"Uses that the lender allows": None}),
        "## Data",
        f"{data['rows']:,} finished loans funded from {' to '.join(data['period'])}, {data['defaults']:,} of them in default. {_said(card['sample'])}",
        *of.table(*_DATA), _list(ingest.get("notes") or []), "Leaks:", _said(leaks.get("text") or leaks_told(card["leaks"])),
        "Columns that are no inputs, and why:", _list(whys),
        "## Assumptions", *of.table("policy-assumptions", *_STRESS),
        "## Methods", _said(made(card)), conduct(card["recipe"]), *(_said(chosen.get("competition", {}).get(name) or "") for name in ("why", "challengers")),
        "## Performance", *of.table(*_PERFORMANCE),
        "## Stability", *(of.table(_LATER) or ["Not judged out of time: the run had too few later loans."]),
        *of.table(_VINTAGE, *_DIRECTIONS), *(_said((chosen.get("directions") or {}).get(name) or "") for name in ("told", "price_told")),
        "## Limits", _list([*card["limits"], *filter(None, [policy.get("caveat")])]),
        "## Monitoring triggers", *_monitoring(of),
        "## Supervisors' texts", of.supervision.replace("BLANK", BLANK),
        "## Review and sign-off", _table(pd.DataFrame({"role": _ROLES}, columns=_SIGNED, dtype=object), dict.fromkeys(_SIGNED, "text"), blanks=True),
    ]  # fmt: skip
    return [part for part in parts if part]


def _inventory(of: Material) -> list[str]:
    manifest, data = of.manifest, of.manifest["data"]
    sums = {name: noted for stage in manifest["stages"] for name, noted in stage["files"].items()}
    files = {data["location"]: data["sha256"]} if data.get("sha256") else {}
    files |= {name: sums[name] for name in sorted(filter(_KEPT.fullmatch, sums))}
    known = {
        "Model": of.card["name"], "Version": of.version, "Run": manifest["run_id"], "Begun": manifest["started_at"], "Finished": manifest["finished_at"],
        "Commit of the code": manifest["git_commit"] or "not noted", "Packages": ", ".join(map(" ".join, manifest["packages"].items())),
        "Inputs": ", ".join(LABELS[name] for name in of.card["features"]),
    }  # fmt: skip
    checksums = pd.DataFrame({"file": files.keys(), "sha256": files.values()})
    return [
        _fields(known | dict.fromkeys(("Owner", "Users", "In use since", "Place in the lender's inventory"))),
        "Checksums (sha256) that tell a changed file:", _table(checksums, columns("file", "sha256"), blanks=True),
    ]  # fmt: skip


def _materiality(of: Material) -> list[str]:
    policy, refers = of.results["policy"], of.results["model"]["without_pincode"]["refusal"]["refused"]
    eda, watch = of.results.get("eda"), of.results.get("early_warning")
    share = estimate(refers["estimate"], refers["ci_low"], refers["ci_high"], kind="rate")
    entries = {
        "Finished loans behind model and policy": f"{of.card['data']['rows']:,}, {of.card['data']['defaults']:,} in default",
        "Money lent on them": show(eda and sum(line["amount_lent"] for line in eda["shape"]["outcomes"]), "money"),
        "Decision that rests on the model": f"refers {share} of n = {of.card['test']['n']:,} test applications to a person, at its threshold",
    }
    if policy["recommended"].get("verdict") == "shown":
        declined = policy["recommended"]["effect"]["n_refused"]
        entries["Decision that rests on the policy"] = f"declines {declined:,} of n = {policy['n']:,} test applications"
    if watch:
        loans, balance = (sum(line[name] for line in watch["lights"]) for name in ("loans", "balance"))
        kind = " (synthetic snapshots)" if watch["synthetic"] else ""
        entries["Loans that early warning looks at"] = f"{loans:,}, balance {show(balance, 'money')}{kind}"
    return [_fields(entries | {"Materiality or tier, and why": None}), "Money is in the data's currency."]


def _monitoring(of: Material) -> list[str]:
    (near, far), watch = drift.TOLERANCE, of.results.get("early_warning")
    gates = [
        {"gate": one["gate"], "rule": one["rule"], "this model": f"{'passes' if one['passed'] else 'does not pass'}: {one['found']}"}
        for one in of.gates
    ]  # fmt: skip
    parts = [
        "A model that does not pass each of these is not promoted:", _table(pd.DataFrame(gates), dict.fromkeys(("gate", "rule", "this model"), "text")),
        f"Each month: a stability index is amber from {show(drift.AMBER, 'ratio')} and red from {show(drift.RED, 'ratio')}, unless chance alone gives as much; observed to "
        f"expected defaults are red where the whole interval lies outside {near:g} to {far:g}.",
    ]  # fmt: skip
    if watch:
        signals = pd.DataFrame({"signal": list(SIGNAL_WORDS.values())})
        for prefix, limits in (("", watch["settings"]), ("recommended_", watch["recommended"] or {"signals": {}})):
            for light in ("amber", "red"):
                signals[f"{prefix}{light}"] = [f"{one[light]:g}" if (one := limits["signals"].get(name)) else None for name in SIGNAL_WORDS]  # fmt: skip
        parts += [
            "The snapshots of this run are synthetic: what follows shows the form, no portfolio." if watch["synthetic"] else "", *of.table(*_WATCH),
            "Early warning, loan by loan: a signal above its amber limit counts one point, above its red one two.",
            _table(signals, dict.fromkeys(map(str, signals), "text")),
            f"A light is amber from {watch['settings']['amber_points']:g} points on, red from {watch['settings']['red_points']:g}. Days past due alone make it amber from {watch['settings']['floors']['amber']:g} on, red from {watch['settings']['floors']['red']:g}.",
        ]  # fmt: skip
    return [*parts, _fields(dict.fromkeys(("Who looks, and how often", "Who is told when a trigger is met", "What is done then")))]  # fmt: skip


def _said(text: str) -> str:
    """Return a sentence of a result in one line, without markup, with names of the code in words."""
    return plain(_in_words(text.replace("**", "")))


def _list(texts: Sequence[str]) -> str:
    return bullets(map(_said, texts))


def _fields(values: Result) -> str:
    """Return names and values, as they are, as a table; a value of None is a blank."""
    return _table(pd.DataFrame({"field": values.keys(), "entry": values.values()}, dtype=object), columns("field", "entry"), blanks=True)  # fmt: skip


def _table(rows: pd.DataFrame, formats: Mapping[str, str], *, blanks: bool = False) -> str:
    """Return a table as Markdown whose columns share the page by their texts; with blanks, texts stay as they are and NaN is a blank."""
    texts = [name for name, kind in formats.items() if kind == "text"]
    words = rows.assign(**{name: rows[name].map(lambda one: " ".join(one.split()) if blanks else _in_words(one), na_action="ignore") for name in texts})  # fmt: skip
    lines = to_markdown(words.astype(object).fillna(_LINE) if blanks else words, formats).splitlines()
    lines[1] = re.sub(r"-+", lambda found: "-" * min(max(len(found[0]), _NARROWEST), _WIDEST), lines[1])
    return "\n".join(lines)


def _in_words(text: object) -> str:
    if isinstance(text, bool):
        return "yes" if text else "no"
    words = " ".join(str(text).split())
    return LABELS.get(words) or _KEY.sub(lambda key: LABELS.get(key[0], key[0].replace("_", " ")), words)
