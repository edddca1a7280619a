"""Tables that compare synthetic loans with the published facts and the sample's summaries; shown in docs/fidelity.md.

`facts` is published_facts.json, `summaries` is sample_summaries.json. A cell "a / b" is real / synthetic.
"""

from typing import Any

import numpy as np
import pandas as pd

from loantap.data.synthetic.coding import LATENTS, STATUSES, code_columns
from loantap.data.synthetic.reference import lower_triangle
from synthetic_reference.fitting import normal_scores

Facts = dict[str, Any]
CROSSTABS = (
    "pincode",
    "grade",
    "sub_grade",
    "term",
    "home_ownership",
    "verification_status",
    "purpose",
    "emp_length",
    "pub_rec_bankruptcies",
    "state",
    "emp_title",
)
MISSING = ("emp_length", "mort_acc", "revol_util")


def number(value: float) -> str:
    """Return a number with six significant digits at most."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}" if abs(value) < 1e5 else f"{value:,.1f}"


def both(real: float, made: float) -> str:
    """Return real and synthetic value as one cell."""
    return f"{number(real)} / {number(made)}"


def with_parts(loans: pd.DataFrame) -> pd.DataFrame:
    """Return loans with pincode, state, stripped term and bankruptcies as the facts name them."""
    return loans.assign(
        pincode=loans["address"].str[-5:],
        state=loans["address"].str[-8:-6],
        term=loans["term"].str.strip(),
        pub_rec_bankruptcies=loans["pub_rec_bankruptcies"].map("{:.1f}".format, na_action="ignore"),
    )


def published_crosstab(facts: Facts, name: str) -> pd.DataFrame:
    """Return published loans and charged-off loans by level."""
    if name == "emp_title":
        table = facts["by_loan_status"]["emp_title_n_ge_1000"]["value"]
        return pd.DataFrame(table, index=["n", "charged_off"]).T
    table = facts["by_loan_status"][name]["value"]
    return pd.DataFrame({level: {k: v[k] for k in ("n", "charged_off")} for level, v in table.items()}).T


def crosstab_errors(loans: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return the largest absolute cell error of every published crosstab with loan_status."""
    charged_off = loans["loan_status"] == "Charged Off"
    rows = []
    for name in CROSSTABS:
        real = published_crosstab(facts, name)
        made = charged_off.groupby(loans[name]).agg(["size", "sum"]).reindex(real.index).fillna(0).to_numpy()
        error = np.abs(made - real.to_numpy()).max()
        rows.append({"crosstab with loan_status": name, "levels": len(real), "largest error": int(error)})
    for name in MISSING:
        real_missing = facts["missing"][f"{name}_missing_by_status"]["value"]
        made_missing = loans[name].isna().groupby(loans["loan_status"]).sum()
        error = max(abs(int(made_missing[s]) - real_missing[s]) for s in STATUSES)
        rows.append({"crosstab with loan_status": f"{name} missing", "levels": 2, "largest error": error})
    return pd.DataFrame(rows)


def count_errors(loans: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return the largest absolute error of published counts without status."""
    named = {n: n for n in facts["value_counts"] if n in loans}
    named |= {"title_top20": "title", "emp_title_top15": "emp_title"}
    rows = []

    def compare(name: str, values: pd.Series, real: dict[Any, int]) -> None:
        made = values.value_counts().reindex(list(real)).fillna(0)
        errors = (made - pd.Series(real)).abs()
        rows.append(
            {
                "counts": name,
                "levels": len(real),
                "largest error": int(errors.max()),
                "at": errors.idxmax() if errors.max() else "",
            }
        )

    for name, column in named.items():
        compare(name, loans[column].astype(str), {str(k): v for k, v in facts["value_counts"][name]["value"].items()})
    months = pd.to_datetime(loans["issue_d"], format="%b-%Y").dt.month
    compare("calendar month of issue_d", months.astype(str), facts["value_counts"]["issue_month"]["value"])
    for name, entry in facts["value_counts_head_tail"].items():
        if name in loans.select_dtypes("number") or name in ("issue_d", "earliest_cr_line"):
            real = {float(k) if name in loans.select_dtypes("number") else k: v for k, v in entry["value"].items()}
            compare(f"{name} (commonest)", loans[name], real)
    for name, count in facts["missing"]["counts"]["value"].items():
        compare(f"{name} missing", loans[name].isna(), {True: count})
    return pd.DataFrame(rows)


def describe_by_status(loans: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return describe by status, real / synthetic."""
    rows = []
    for name, real in facts["describe"]["by_loan_status"]["value"].items():
        made = loans.groupby("loan_status")[name].describe()
        for status in STATUSES:
            keys = ("mean", "std", "min", "25%", "50%", "75%", "max")
            cells = {key: both(real[status][key], made.loc[status, key]) for key in keys}
            rows.append({"column": name, "status": status, **cells})
    return pd.DataFrame(rows)


def describe_overall(loans: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return describe of all loans for columns without one by status, and the outer quantiles."""
    rows = []
    outer = facts["describe"]["quantile_5_95"]["value"]
    for name in ("annual_inc", "installment"):
        real, made = facts["describe"]["overall"]["value"][name], loans[name].describe()
        for key in ("mean", "std", "min", "25%", "50%", "75%", "max"):
            target = "yes" if name == "annual_inc" else "no"
            rows.append(
                {"figure": f"{name} {key}", "published / synthetic": both(real[key], made[key]), "target": target}
            )
    for name, medians in facts["describe"]["median_by_loan_status"]["value"].items():
        if name in ("annual_inc", "installment"):
            for status, median in medians.items():
                made_median = loans.loc[loans["loan_status"] == status, name].median()
                target = "yes" if name == "annual_inc" else "no"
                rows.append(
                    {
                        "figure": f"{name} median, {status}",
                        "published / synthetic": both(median, made_median),
                        "target": target,
                    }
                )
    for name, real in outer.items():
        if name in loans.select_dtypes("number"):
            # published after filling missing values with the median
            filled = loans[name].fillna(loans[name].median())
            cells = [both(r, filled.quantile(q)) for r, q in zip(real, (0.05, 0.95), strict=True)]
            target = "no" if name in ("installment", "pub_rec", "mort_acc") else "yes"
            rows.append({"figure": f"{name} 5%, 95%", "published / synthetic": "; ".join(cells), "target": target})
    for name in ("issue_d", "earliest_cr_line"):
        dates = pd.to_datetime(loans[name], format="%b-%Y").describe()
        described = facts["describe"][name]["value"]
        for key in ("min", "25%", "50%", "75%", "max", "mean"):
            cell = f"{described[key][:10]} / {dates[key]:%Y-%m-%d}"
            target = "yes" if (name == "issue_d") != (key == "mean") else "no"
            rows.append({"figure": f"{name} {key}", "published / synthetic": cell, "target": target})
    return pd.DataFrame(rows)


def distinct_values(loans: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return how many different values each column has; only those of the categories were targets."""
    real = facts["nunique"]["value"]
    return pd.DataFrame(
        [{"column": n, "published / synthetic": both(real[n], loans[n].nunique())} for n in real if n in loans]
    )


def joint_structure(loans: pd.DataFrame, summaries: Facts) -> pd.DataFrame:
    """Return errors of the rank correlations, purposes and terms against the sample."""
    codes = code_columns(loans)
    rows: list[dict[str, Any]] = []
    upper = np.triu_indices(len(LATENTS), 1)
    for status in STATUSES:
        wanted = lower_triangle(summaries["rank_correlations"][status])
        made = codes[loans["loan_status"] == status].corr("spearman").fillna(0).to_numpy()
        error = np.abs(made - wanted)
        unseen = [LATENTS.index("emp_length"), LATENTS.index("no_employment")]
        error[np.ix_(unseen, unseen)] = 0
        i, j = np.unravel_index(error.argmax(), error.shape)
        rows.append({"figure": f"rank correlations, {status}: mean error", "value": f"{error[upper].mean():.4f}"})
        rows.append(
            {
                "figure": f"rank correlations, {status}: largest error ({LATENTS[i]}, {LATENTS[j]})",
                "value": f"{error.max():.4f}",
            }
        )
        income, amount = LATENTS.index("annual_inc"), LATENTS.index("loan_amnt")
        rows.append(
            {
                "figure": f"annual_inc with loan_amnt, {status}: sample / synthetic",
                "value": f"{wanted[income, amount]:.3f} / {made[income, amount]:.3f}",
            }
        )
    grade = loans["grade"].replace("G", "F")
    share = (loans["term"].str.strip() == "60 months").groupby(grade).mean()
    for name, (short, long) in summaries["terms"]["grade"].items():
        label = "F and G" if name == "F" else name
        rows.append(
            {
                "figure": f"share of 60 months, grade {label}: sample / synthetic",
                "value": f"{long / (short + long):.3f} / {share[name]:.3f}",
            }
        )
    nothing = loans["revol_bal"] == 0
    rows.append(
        {
            "figure": "loans with revol_bal 0 and revol_util above 0",
            "value": int((nothing & (loans["revol_util"] > 0)).sum()),
        }
    )
    rows.append(
        {
            "figure": "loans with open_acc or mort_acc above total_acc",
            "value": int((loans[["open_acc", "mort_acc"]].max(axis=1) > loans["total_acc"]).sum()),
        }
    )
    rows.append(
        {
            "figure": "loans with pub_rec_bankruptcies above pub_rec",
            "value": int((loans["pub_rec_bankruptcies"].astype(float) > loans["pub_rec"]).sum()),
        }
    )
    rows.append({"figure": "duplicate loans", "value": int(loans.duplicated().sum())})
    return pd.DataFrame(rows)


def purpose_table(loans: pd.DataFrame, summaries: Facts) -> pd.DataFrame:
    """Return mean normal scores of amount, income and rate order by purpose, sample / synthetic."""
    columns = ["loan_amnt", "annual_inc", "sub_grade", "issue_d"]
    codes = code_columns(loans)[columns]
    scores = pd.concat([normal_scores(part) for _, part in codes.groupby(loans["loan_status"])])
    rows = []
    for pool in summaries["purpose_scores"]:
        members = loans.index[loans["purpose"].isin(pool["purposes"])]
        cells = {c: f"{pool['scores'][c]:.2f} / {scores.loc[members, c].mean():.2f}" for c in columns}
        rows.append({"purpose": ", ".join(pool["purposes"]), "sampled": pool["loans"], **cells})
    return pd.DataFrame(rows)
