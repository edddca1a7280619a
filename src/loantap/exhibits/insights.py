"""The sentences of the report's first screen, made from a run's results: an effect, its interval, n, and a link."""

from collections.abc import Mapping
from typing import Any, Protocol

from loantap.exhibits.exhibit import Notice
from loantap.exhibits.thresholds import referred_sentence
from loantap.exhibits.words import interval, listed, percent, plain, show
from loantap.model.evaluation import fbeta_name

Result = Mapping[str, Any]
_NAMED = 3


class Page(Protocol):
    """What a page knows of its run, see `loantap.report.page`."""

    manifest: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def synthetic(self) -> bool: ...  # noqa: D102
    @property
    def factors(self) -> list[str]: ...  # noqa: D102
    def result(self, name: str) -> Any: ...  # noqa: D102
    def title(self, name: str) -> str: ...  # noqa: D102


def headline(page: Page) -> str:
    """Return the answer in one sentence: how many loans, what share defaulted, what goes with it, how sure."""
    eda = page.result("eda")
    base, confidence = eda["shape"], percent(eda["settings"]["confidence"])
    return (
        f"**{show(base['default_rate'], 'rate')} of {show(base['n'], 'count')} finished loans defaulted** ({confidence} interval "
        f"{interval(base['ci_low'], base['ci_high'], 'rate')}){strongest(page.result('leaks'))}."
    )


def strongest(leaks: Result) -> str:
    """Say which column alone goes with default most, which are not told apart from it, and which look stronger and are leaks."""
    known = [row for row in leaks["columns"] if row["auc"] is not None]
    clear = [row for row in known if row["verdict"] != "leak"]
    best = max(clear, key=lambda row: row["auc"], default=None)
    if best is None or best["auc_low"] <= 1 / 2:
        told = "; no single column is shown to go with it" if best else ""
    else:
        near = [
            row["column"]
            for row in clear
            if row is not best and row["auc_low"] > 1 / 2 and row["auc_high"] > best["auc_low"]
        ]
        apart = (
            f", hardly apart from {listed([*map(plain, near)]) if len(near) <= _NAMED else f'{len(near)} others'}"
            if near
            else ""
        )
        whose = "the lender's own " if best["known"] == "pricing" else ""
        told = (
            f", and the single column that goes with it most is {whose}{plain(best['column'])} ({_auc(best)}, "
            f"out of fold; {percent(1 - leaks['alpha'])} intervals for all columns at once){apart}"
        )
    strong = [row for row in known if row["verdict"] == "leak"]
    hidden = "; ".join(
        f"{plain(row['column'])} ({_auc(row)}) gives the outcome away and must not be used" for row in strong
    )
    return f"{told}; {hidden}" if strong else told


def _auc(row: Result) -> str:
    return f"AUC {show(row['auc'], 'score')}, {interval(row['auc_low'], row['auc_high'], 'score')}"


def provenance(page: Page) -> str:
    """Return where the loans come from, how many, from when, and which run this is."""
    data = page.data
    first, last = data["period"]
    left_out = [
        f"{show(data[name], 'count')} {words}"
        for name, words in (("unfinished", "not finished"), ("duplicates", "copies"), ("quarantined", "set aside"))
        if data[name]
    ]
    aside = f" ({', '.join(left_out)})" if left_out else ""
    return (
        f"{_origin(data, synthetic=page.synthetic)} {show(data['rows_read'], 'count')} records read, {show(data['rows'], 'count')} finished loans "
        f"analysed{aside}; funded {first} to {last}. Run {page.manifest['run_id']}."
    )


def _origin(data: Mapping[str, Any], *, synthetic: bool) -> str:
    if data["kind"] == "synthetic":
        return (
            "**Synthetic loans**: made from the published statistics of the real portfolio. Findings on one column are the real "
            "portfolio's own, but for free texts, such as job titles, most of which are invented and say nothing of default; whatever "
            "combines columns, models above all, is an approximation."
        )
    if data["kind"] == "file":
        return f"**Loans from a file**: {plain(data['location'].rsplit('/', 1)[-1])}, sha256 `{data['sha256'][:12]}`."
    if counted := data.get("pushdown"):
        sampled = (
            f" What needs single loans, the model above all, is from a stratified sample of {show(counted['sampled'], 'count')}."
            if counted["sampled"] < data["rows"]
            else ""
        )
        made = "**Synthetic loans**, counted" if synthetic else "**Loans counted**"
        return f"{made} in the warehouse: {plain(data['location'].rsplit('/', 1)[-1])}.{sampled}"
    made = "**Synthetic loans**, as if from" if synthetic else "**Loans from**"
    names = ", ".join(f"{plain(read['source'])} ({read['kind']})" for read in data["sources"])
    written = f", load `{data['warehouse']['load_id']}` of the warehouse" if "warehouse" in data else ""
    return f"{made} {len(data['sources'])} merged sources: {names}{written}."


def sources(page: Page) -> str:
    """Return how the loans were put together, for the methods page; empty for a single file or synthetic loans."""
    data = page.data
    if counted := data.get("pushdown"):
        return (
            f"**Counted where they lie.** {show(data['rows'], 'count')} finished loans were counted by value in the warehouse; "
            "rates, associations and the default rate along each column come from these counts, and are the ones that reading every "
            "loan would give. The model, adjusted odds ratios, correlations and the search for leaks need single loans: they see "
            f"{show(counted['sampled'], 'count')} of them, drawn within each outcome, so that the default rate is the portfolio's. "
            "Their intervals are those of that sample. Values were checked by their counts: those of loans that have not ended, and "
            "whether rows are copies of each other, were not looked at."
        )
    if "sources" not in data:
        return ""
    merge = page.result("ingest")["merge"]
    total = {name: show(sum(row[name] for row in merge["sources"]), "count") for name in ("copies", "superseded", "loans_without", "rows_without")}  # fmt: skip
    differ = sum(conflict["differ"] for conflict in merge["conflicts"])
    return (
        f"**Sources.** {len(merge['sources'])} sources were joined on declared keys, one row per loan and never by guess: "
        f"{show(merge['rows'], 'count')} of {show(merge['base'], 'count')} loans are left. "
        f"{total['copies']} rows were copies of others and dropped, {total['superseded']} "
        f"gave way to a newer row of their key; {total['loans_without']} loans lacked a row in some source, "
        f"{total['rows_without']} rows had no loan, and {show(differ, 'count')} values were told differently "
        "by two sources."
    )


def findings(page: Page) -> list[str]:
    """Return the findings, each one sentence with effect, interval and n, linked to its exhibit."""
    drivers = {finding["id"]: finding["text"] for finding in page.result("eda")["findings"]}
    told = {
        factor: _association(page, factor) for factor in page.factors if factor in ("pincode", "grade", "profession")
    }
    term = f"[Term](#fig-eda-term): {plain(drivers['term'])}"
    first, last = ([told[name] for name in names if name in told] for names in (("pincode", "grade"), ("profession",)))
    return [*first, term, *last, _model(page.result("model"))]


def _association(page: Page, factor: str) -> str:
    """Return what a factor's own table is headed by, and how strong the association is."""
    found, title = (
        page.result(f"association_{factor}"),
        page.title(f"association-{factor}-levels"),
    )
    figure = "odds" if factor == "profession" else "rates"
    others = ""
    mixed = [level for level in found["levels"] if not level["separation"]]
    leaks = [level for level in found["levels"] if level["separation"] and level["p_adjusted"] < found["alpha"]]
    if mixed and leaks:
        low, high = (end(mixed, key=lambda level: level["default_rate"]) for end in (min, max))
        others = f"; the others lie between {_level(low)} and {_level(high)}"
    return (
        f"[{in_words(factor)}](#fig-association-{factor}-{figure}): {plain(title)}{others}; {_strength(found)}, "
        f"n = {show(found['n'], 'count')}."
    )


def in_words(factor: str) -> str:
    """Return a factor as a heading names it."""
    return factor.replace("_", " ").capitalize()


def warning(page: Page) -> str:
    """Return the notice that stands above what is said of the pincode."""
    return Notice("Does the pincode give the outcome away?", page.result("association_pincode")["warning"]).markdown()


def made_by(page: Page, factor: str) -> str:
    """Return where a section on a factor comes from, or that the run did not test it."""
    name = in_words(factor).lower()
    if factor in page.factors:
        return f"How this was computed: [the notebook on {name}](notebooks/association-{factor}.ipynb)."
    tested = f"it tested {listed([plain(in_words(known).lower()) for known in page.factors])}"
    return f"This run did not test {name}: {tested}. Another one does with `-P factors={','.join([*page.factors, factor])}`."


def decision(page: Page) -> str:
    """Return what the committee is asked to decide, whom that hits, and what else was possible."""
    policy = page.result("policy")
    said = ("who", "against_risk", "thresholds_sentence", "caveat")
    told = [plain(policy[name]) for name in said if policy[name]] + [plain(policy["pincode"]["advice"])]
    links = "[The decision sheet](policy.qmd#sec-sheet), [who is refused](policy.qmd#sec-who), [what it rests on](policy.qmd#sec-assumptions)."
    return "\n\n".join([f"**{plain(policy['recommendation'])}**", *told, links])


def at_f2(page: Page) -> str:
    """Return what the model refers at its thresholds, and what refusing at its own does, in shares of loans, people and money lent."""
    model = page.result("model")["without_pincode"]
    shares = model["refusal"]

    def told(name: str) -> str:
        share = shares[name]
        return f"{show(share['estimate'], 'rate')} ({interval(share['ci_low'], share['ci_high'], 'rate')})"

    return (
        f"**{referred_sentence(model)}** If nobody looked at what is referred, the threshold for {fbeta_name(model['beta']).upper()} would have refused {told('refused')} of these loans. That avoids {told('defaults_avoided')} of the "
        f"defaults and turns away {told('good_refused')} of the customers who repay. Of all money lent, "
        f"{told('amount_defaults_avoided')} went to the defaults avoided and {told('amount_good_refused')} to the repaid "
        f"loans refused (n = {show(model['test']['n'], 'count')} test loans, {percent(model['confidence'])} bootstrap intervals). {model['profit_sentence']}"
    )


def watchlist(page: Page) -> str:
    """Return how many live loans have a light, and how well the lights would have warned."""
    return f"{plain(page.result('early_warning')['sentence'])} [The watchlist and its back-test](early-warning.qmd)."


def pricing(page: Page) -> str:
    """Return what the applicant's own facts can tell without the lender's price."""
    models = page.result("model")
    score = fbeta_name(models["without_pincode"]["beta"])
    priced, alone = (models[name]["test"] for name in ("without_pincode", "application_only"))
    confidence = models["application_only"]["confidence"]
    return (
        "Sub-grade and interest rate are the lender's own price for the risk. With what the applicant alone "
        f"brings, each set of inputs with its own champion, ROC-AUC is {_score(alone, 'roc_auc', confidence)} rather than {_score(priced, 'roc_auc')}, and {score.upper()} {_score(alone, score)} rather "
        f"than {_score(priced, score)} (n = {show(alone['n'], 'count')} test loans)."
    )


def _strength(found: Result) -> str:
    ends = interval(found["cramers_v_low"], found["cramers_v_high"], "score")
    return f"Cramér's V {show(found['cramers_v'], 'score')}, {percent(1 - found['alpha'])} interval {ends}"


def _level(level: Result) -> str:
    return f"{show(level['default_rate'], 'rate')} ({interval(level['ci_low'], level['ci_high'], 'rate')}, n = {show(level['n'], 'count')})"


def _model(model: Result) -> str:
    test = model["without_pincode"]["test"]
    leaking, smote = model["with_pincode"]["test"], model["without_pincode"]["smote"]["test"]
    grade = next(rule for rule in model["baselines"] if rule["name"] == "grade")["test"]
    score = fbeta_name(model["without_pincode"]["beta"])
    approved = grade["confusion"]["tn"] + grade["confusion"]["fn"]
    alone = "by grade alone" if approved else "by grade alone, which refuses every loan,"
    return (
        f"[Model](#fig-model-ranking-without-pincode): without the pincode it reaches ROC-AUC {_score(test, 'roc_auc', model['without_pincode']['confidence'])} and "
        f"{score.upper()} {_score(test, score)}, against {score.upper()} {_score(grade, score)} {alone} and {_score(smote, score)} with SMOTE; "
        f"with the pincode {score.upper()} would be {_score(leaking, score)} (n = {show(test['n'], 'count')} test loans)."
    )


def _score(test: Result, name: str, confidence: float | None = None) -> str:
    """Return a score with its interval, and the confidence where that is given: a sentence says it once."""
    low, high = test["ci"][name]
    level = "" if confidence is None else f"{percent(confidence)} interval "
    return f"{show(test[name], 'score')} ({level}{interval(low, high, 'score')})"
