"""Sentences of the report's pages that no exhibit of a notebook says: where loans come from, and what a model would do."""

from collections.abc import Mapping
from typing import Any

from loantap.exhibits.economics import referred_sentence
from loantap.exhibits.exhibit import Notice
from loantap.exhibits.words import estimate, listed, percent, plain
from loantap.model.evaluation import fbeta_name

Result = Mapping[str, Any]


def provenance(page: Any) -> str:
    """Return where the loans come from, how many, from when, and which run this is."""
    data = page.data
    first, last = data["period"]
    reasons = {"unfinished": "not finished", "duplicates": "copies", "quarantined": "set aside"}
    left_out = ", ".join(f"{data[name]:,} {words}" for name, words in reasons.items() if data[name])
    return (
        f"{_origin(data, synthetic=page.synthetic)} {data['rows_read']:,} records read, {data['rows']:,} finished loans analysed"
        f"{f' ({left_out})' if left_out else ''}; funded {first} to {last}. Run {page.manifest['run_id']}."
    )


def _origin(data: Mapping[str, Any], *, synthetic: bool) -> str:
    kind = "**Synthetic loans**" if synthetic else "**Loans"
    if data["kind"] == "synthetic":
        return (
            f"{kind}: made from the published statistics of the real portfolio. Findings on one column are the real "
            "portfolio's own, but for free texts, such as job titles, most of which are synthetic and say nothing of default; whatever "
            "combines columns, models above all, is an approximation."
        )
    place = str(data.get("location")).rsplit("/", 1)[-1]
    if data["kind"] == "file":
        return f"**Loans from a file**: `{place}`, sha256 `{data['sha256'][:12]}`."
    if counted := data.get("pushdown"):
        sampled = ""
        if counted["sampled"] < data["rows"]:
            sample = f"a stratified sample of {counted['sampled']:,}"
            sampled = f" What needs single loans, the model above all, is from {sample}."
        return f"{kind}{', counted' if synthetic else ' counted**'} in the warehouse: {plain(place)}.{sampled}"
    names = ", ".join(f"{plain(read['source'])} ({read['kind']})" for read in data["sources"])
    load = f", load `{data['warehouse']['load_id']}` of the warehouse" if "warehouse" in data else ""
    return f"{kind}{', as if from' if synthetic else ' from**'} {len(data['sources'])} merged sources: {names}{load}."


def sources(page: Any) -> str:
    """Return how the loans were put together, for the methods page; empty for a single file or synthetic loans."""
    data = page.data
    if counted := data.get("pushdown"):
        width = counted.get("width")
        enough = f" With so many the interval of the model's ROC-AUC is no wider than about {width:g}." if width else ""
        return (
            f"**Counted where they lie.** {data['rows']:,} finished loans were counted by value in the warehouse; "
            "rates, associations and the default rate along each column come from these counts, and are the ones that reading every "
            "loan would give. The model, adjusted odds ratios, correlations and the search for leaks need single loans: they see "
            f"{counted['sampled']:,} of them, drawn within each outcome, so that the default rate is the portfolio's.{enough} "
            "Their intervals are those of that sample. Values were checked by their counts: those of loans that have not ended, and "
            "whether rows are copies of each other, were not looked at."
        )
    if "sources" not in data:
        return ""
    merge = page.result("ingest")["merge"]
    counts = ("copies", "superseded", "loans_without", "rows_without")
    copies, superseded, loans_without, rows_without = (sum(row[name] for row in merge["sources"]) for name in counts)
    differ = sum(conflict["differ"] for conflict in merge["conflicts"])
    return (
        f"**Sources.** {len(merge['sources'])} sources were joined on declared keys, one row per loan and never by guess: "
        f"{merge['rows']:,} of {merge['base']:,} loans are left. {copies:,} rows were copies of others and dropped, {superseded:,} "
        f"gave way to a newer row of their key; {loans_without:,} loans lacked a row in some source, {rows_without:,} rows had no loan, and "
        f"{differ:,} values were told differently by two sources."
    )


def in_words(factor: str) -> str:
    """Return a factor as a heading names it."""
    return factor.replace("_", " ").capitalize()


def warning(page: Any) -> str:
    """Return the notice that stands above what is said of the pincode."""
    return Notice("Does the pincode give the outcome away?", page.result("association_pincode")["warning"]).markdown()


def made_by(page: Any, factor: str) -> str:
    """Return where a section on a factor comes from, or that the run did not test it."""
    name = in_words(factor).lower()
    if factor in page.factors:
        return f"How this was computed: [the notebook on {name}](notebooks/association-{factor}.ipynb)."
    if why := page.left_out.get(f"association-{factor}"):
        return f"Left out: {plain(why)}."
    tested = f"it tested {listed([plain(in_words(known).lower()) for known in page.factors])}"
    return f"This run did not test {name}: {tested}. Another one does with `-P factors={','.join([*page.factors, factor])}`."


def at_f2(page: Any) -> str:
    """Return what the model refers at its thresholds, and what refusing at its own does, in shares of loans, people and money lent."""
    model = page.result("model")["without_pincode"]
    shares = {
        name: estimate(one["estimate"], one["ci_low"], one["ci_high"], kind="rate")
        for name, one in model["refusal"].items()
    }
    return (
        f"**{referred_sentence(model)}** If nobody looked at what is referred, the threshold for {fbeta_name(model['beta']).upper()} would have "
        f"declined {shares['refused']} of these loans. That avoids {shares['defaults_avoided']} of the defaults and declines "
        f"{shares['good_refused']} of the customers who repay. Of all money lent, {shares['amount_defaults_avoided']} went to the defaults avoided "
        f"and {shares['amount_good_refused']} to the repaid loans declined (n = {model['test']['n']:,} test loans, {percent(model['confidence'])} "
        f"bootstrap intervals). {model['profit_sentence']}"
    )


def pricing(page: Any) -> str:
    """Return what the applicant's own facts can tell without the lender's price."""
    models = page.result("model")
    score = fbeta_name(models["without_pincode"]["beta"])
    priced, alone = (models[name]["test"] for name in ("without_pincode", "application_only"))
    confidence = models["application_only"]["confidence"]
    auc, auc_priced, of, of_priced = (
        estimate(test[name], *test["ci"][name], kind="score", confidence=level)
        for name, test, level in (
            ("roc_auc", alone, confidence),
            ("roc_auc", priced, None),
            (score, alone, None),
            (score, priced, None),
        )
    )
    return (
        "Sub-grade and interest rate are the lender's own price for the risk. With what the applicant alone brings, each set of inputs with its "
        f"own champion, ROC-AUC is {auc} rather than {auc_priced}, and {score.upper()} {of} rather than {of_priced} (n = {alone['n']:,} test loans)."
    )
