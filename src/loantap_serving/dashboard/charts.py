"""Pictures of the pages; each has words that say the same, and no meaning in colour alone."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID
from loantap_serving.alternatives import told_apart

_ROW = 24  # pixels of a row
_WHOLE = alt.Scale(domain=[0, 1])
_RAISES, _LOWERS = "raises the risk", "lowers the risk"


def gauge(probability: float, threshold: float, decision: str) -> None:
    """Draw a probability on a bar from 0 to 100% with the threshold marked; words say the same."""
    place, mark = 100 * probability, 100 * threshold
    told, limit = told_apart(probability, threshold)
    words = f"Probability of default {told}, threshold {limit}: {decision}"
    side = f"right:{100 - mark:.2f}%" if mark > 50 else f"left:{mark:.2f}%"
    hatch = f"repeating-linear-gradient(45deg,{DEFAULTED} 0 8px,#9a3a24 8px 12px)" if decision == "refer" else REPAID
    st.html(
        f'<div role="img" aria-label="{words}">'
        f'<div style="position:relative;height:2.2rem;background:{LIGHT};border-radius:4px">'
        f'<div style="height:100%;width:{place:.2f}%;background:{hatch};border-radius:4px"></div>'
        f'<div style="position:absolute;top:-.35rem;bottom:-.35rem;left:{mark:.2f}%;border-left:3px solid #1c2733"></div></div>'
        f'<div style="position:relative;height:1.6rem;font-size:.9rem;margin-top:.5rem">'
        f'<span style="position:absolute;{side}">▲ threshold {limit}</span></div>'
        '<div style="display:flex;justify-content:space-between;font-size:.9rem"><span>0%</span><span>100%</span></div></div>'
    )


def bars(texts: Sequence[str], values: Sequence[float], *, title: str, description: str) -> None:
    """Draw values to the left and right of 0, those that raise a risk in one colour and those that lower it in another."""
    rows = [
        {"what": text, "value": value, "effect": _RAISES if value > 0 else _LOWERS}
        for text, value in zip(texts, values, strict=True)
    ]
    colour = alt.Color("effect:N", title=None, legend=alt.Legend(orient="top")).scale(
        domain=[_RAISES, _LOWERS], range=[DEFAULTED, REPAID]
    )
    chart = (
        alt.Chart(alt.Data(values=rows), height=alt.Step(_ROW))
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=title),
            y=alt.Y("what:N", sort=None, title=None, axis=alt.Axis(labelLimit=160, labelFlush=False)),
            color=colour,
            tooltip=["what:N", alt.Tooltip("value:Q", format="+.3f")],
        )
    )
    st.altair_chart(chart, alt=description)


def level_rates(levels: pd.DataFrame, *, default_rate: float, description: str) -> None:
    """Draw the default rate of each level with its interval, and a dashed line at the rate of all.

    Args:
        levels: level, n, default_rate, ci_low, ci_high, in the order from the top.
        default_rate: Of all.
        description: What is drawn, for those who cannot see it.
    """
    names = [f"{level} (n = {n:,})" for level, n in zip(levels["level"], levels["n"], strict=True)]
    base = alt.Chart(levels.assign(name=names), height=alt.Step(_ROW))
    axis = alt.Axis(format=".0%", tickCount=8)
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=200, labelFlush=False))
    parts = ("default_rate", "ci_low", "ci_high")
    tips = ["level:N", "n:Q", *(alt.Tooltip(f"{part}:Q", format=".1%") for part in parts)]
    ends = base.mark_rule(color=DEFAULTED, strokeWidth=2).encode(
        alt.X("ci_low:Q", title="Default rate", axis=axis), y, x2="ci_high:Q", tooltip=tips
    )
    dots = base.mark_point(color=DEFAULTED, filled=True, opacity=1, size=60).encode(
        x="default_rate:Q", y=y, tooltip=tips
    )
    everybody = alt.Chart(pd.DataFrame({"rate": [default_rate]})).mark_rule(color=NEUTRAL, strokeDash=[4, 4])
    st.altair_chart(everybody.encode(x="rate:Q") + ends + dots, alt=description)


def curves(table: pd.DataFrame, names: dict[str, str], *, at: float, description: str) -> None:
    """Draw shares by threshold, and a line at one threshold.

    Args:
        table: threshold, and a column of shares for each curve.
        names: What each of these columns is called; three of them.
        at: The threshold to mark.
        description: What is drawn, for those who cannot see it.
    """
    long = table.rename(columns=names).melt("threshold", var_name="what", value_name="share")
    legend = alt.Legend(orient="top", columns=1, symbolSize=300, symbolStrokeWidth=2.5, labelLimit=300)
    domain = list(names.values())
    lines = (
        alt.Chart(long, height=380)
        .mark_line()
        .encode(
            alt.X("threshold:Q", title="Threshold", axis=alt.Axis(format=".0%")),
            alt.Y("share:Q", title="Share", axis=alt.Axis(format=".0%")),
            alt.Color(
                "what:N", title=None, scale=alt.Scale(domain=domain, range=[NEUTRAL, DEFAULTED, REPAID]), legend=legend
            ),
            alt.StrokeDash(
                "what:N", title=None, scale=alt.Scale(domain=domain, range=[[2, 2], [1, 0], [8, 4]]), legend=legend
            ),
        )
    )
    mark = alt.Chart(pd.DataFrame({"threshold": [at]})).mark_rule(strokeWidth=2).encode(x="threshold:Q")
    st.altair_chart(lines + mark, alt=description)


def frontier(table: pd.DataFrame, points: pd.DataFrame, *, description: str) -> None:
    """Draw the defaults avoided against the good customers declined along the thresholds of the model, and mark policies.

    Args:
        table: good_refused and defaults_avoided, one row per threshold.
        points: The same of each policy, with mark (a short text at its place) and policy (its name, in the tooltip).
        description: What is drawn, for those who cannot see it.
    """
    ends = [
        alt.X("good_refused:Q", title="Good customers declined", axis=alt.Axis(format=".0%"), scale=_WHOLE),
        alt.Y("defaults_avoided:Q", title="Defaults avoided", axis=alt.Axis(format=".0%"), scale=_WHOLE),
    ]
    tips = ["policy:N", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("good_refused", "defaults_avoided"))]
    line = alt.Chart(table, height=380).mark_line(color=REPAID).encode(*ends, order="good_refused:Q")
    chance = alt.Chart(pd.DataFrame({"good_refused": [0, 1], "defaults_avoided": [0, 1]}))
    marked = alt.Chart(points)
    dots = marked.mark_point(color=DEFAULTED, filled=True, opacity=1, size=70).encode(*ends, tooltip=tips)
    names = marked.mark_text(align="left", dx=8, dy=1, fontSize=13).encode(*ends, text="mark:N")
    random = chance.mark_line(color=NEUTRAL, strokeDash=[4, 4]).encode(*ends)
    st.altair_chart(random + line + dots + names, alt=description)


def shares(levels: pd.DataFrame, *, title: str, description: str) -> None:
    """Draw what share of each level something holds of, as bars with their values.

    Args:
        levels: level, n and refused (the share), in the order from the top.
        title: Of the axis.
        description: What is drawn, for those who cannot see it.
    """
    names = [f"{level} (n = {n:,})" for level, n in zip(levels["level"], levels["n"], strict=True)]
    base = alt.Chart(levels.assign(name=names), height=alt.Step(_ROW)).encode(
        alt.X("refused:Q", title=title, axis=alt.Axis(format=".0%", tickCount=5), scale=alt.Scale(domain=[0, 1.12])),
        alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=200, labelFlush=False)),
    )
    texts = base.mark_text(align="left", dx=4).encode(text=alt.Text("refused:Q", format=".1%"))
    st.altair_chart(base.mark_bar(color=REPAID) + texts, alt=description)


def distribution(counts: pd.DataFrame, *, threshold: float, description: str) -> None:
    """Draw how many applications have which probability, coloured by decision, and a line at the threshold.

    Args:
        counts: from, to (ends of a range of the probability), decision and n.
        threshold: From which on applications are referred.
        description: What is drawn, for those who cannot see it.
    """
    colour = alt.Color("decision:N", title=None, legend=alt.Legend(orient="top")).scale(
        domain=["refer", "approve"], range=[DEFAULTED, REPAID]
    )
    drawn = (
        alt.Chart(counts, height=280)
        .mark_bar(binSpacing=1)
        .encode(
            alt.X("from:Q", bin="binned", title="Probability of default", axis=alt.Axis(format=".0%")),
            alt.X2("to:Q"),
            alt.Y("n:Q", title="Applications"),
            colour,
            tooltip=["decision:N", "n:Q", alt.Tooltip("from:Q", format=".1%"), alt.Tooltip("to:Q", format=".1%")],
        )
    )
    mark = alt.Chart(pd.DataFrame({"threshold": [threshold]})).mark_rule(strokeWidth=2).encode(x="threshold:Q")
    st.altair_chart(drawn + mark, alt=description)
