"""Sentences of the report's pages that no exhibit of a notebook says: where loans come from, and what a model would do."""

from collections.abc import Mapping
from typing import Any, Protocol

from loantap.exhibits.economics import referred_sentence
from loantap.exhibits.exhibit import Notice
from loantap.exhibits.words import estimate, listed, percent, plain, show
from loantap.model.evaluation import fbeta_name

Result = Mapping[str, Any]


class Page(Protocol):
    """What a page knows of its run, see `loantap.runs.page`."""

    manifest: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def synthetic(self) -> bool: ...  # noqa: D102
    @property
    def factors(self) -> list[str]: ...  # noqa: D102
    @property
    def left_out(self) -> Mapping[str, str]: ...  # noqa: D102
    def result(self, name: str) -> Any: ...  # noqa: D102
    def title(self, name: str) -> str: ...  # noqa: D102


def provenance(page: Page) -> str:
    """Return where the loans come from, how many, from when, and which run this is."""
    data = page.data
    first, last = data["period"]
    reasons = {"unfinished": "not finished", "duplicates": "copies", "quarantined": "set aside"}
    left_out = [f"{show(data[name], 'count')} {words}" for name, words in reasons.items() if data[name]]
    aside = f" ({', '.join(left_out)})" if left_out else ""
    return (
        f"{_origin(data, synthetic=page.synthetic)} {show(data['rows_read'], 'count')} records read, {show(data['rows'], 'count')} finished loans "
        f"analysed{aside}; funded {first} to {last}. Run {page.manifest['run_id']}."
    )


def _origin(data: Mapping[str, Any], *, synthetic: bool) -> str:
    if data["kind"] == "synthetic":
        return (
            "**Synthetic loans**: made from the published statistics of the real portfolio. Findings on one column are the real "
            "portfolio's own, but for free texts, such as job titles, most of which are synthetic and say nothing of default; whatever "
            "combines columns, models above all, is an approximation."
        )
    if data["kind"] == "file":
        return f"**Loans from a file**: `{data['location'].rsplit('/', 1)[-1]}`, sha256 `{data['sha256'][:12]}`."
    if counted := data.get("pushdown"):
        sampled = ""
        if counted["sampled"] < data["rows"]:
            sampled = f" What needs single loans, the model above all, is from a stratified sample of {show(counted['sampled'], 'count')}."
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
    if why := page.left_out.get(f"association-{factor}"):
        return f"Left out: {plain(why)}."
    tested = f"it tested {listed([plain(in_words(known).lower()) for known in page.factors])}"
    return f"This run did not test {name}: {tested}. Another one does with `-P factors={','.join([*page.factors, factor])}`."


def at_f2(page: Page) -> str:
    """Return what the model refers at its thresholds, and what refusing at its own does, in shares of loans, people and money lent."""
    model = page.result("model")["without_pincode"]
    shares = model["refusal"]

    def told(name: str) -> str:
        share = shares[name]
        return estimate(share["estimate"], share["ci_low"], share["ci_high"], kind="rate")

    return (
        f"**{referred_sentence(model)}** If nobody looked at what is referred, the threshold for {fbeta_name(model['beta']).upper()} would have declined {told('refused')} of these loans. That avoids {told('defaults_avoided')} of the "
        f"defaults and declines {told('good_refused')} of the customers who repay. Of all money lent, "
        f"{told('amount_defaults_avoided')} went to the defaults avoided and {told('amount_good_refused')} to the repaid "
        f"loans declined (n = {show(model['test']['n'], 'count')} test loans, {percent(model['confidence'])} bootstrap intervals). {model['profit_sentence']}"
    )


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


def _score(test: Result, name: str, confidence: float | None = None) -> str:
    return estimate(test[name], *test["ci"][name], kind="score", confidence=confidence)
