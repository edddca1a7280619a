"""The frontier names every policy beside its dot, and no label hides another or a dot."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.offsetbox import AnnotationBbox, TextArea

from loantap.exhibits.plots.frontier import VERDICTS, plot_frontier

CURVE = pd.DataFrame({"good_refused": np.linspace(0, 1, 60), "defaults_avoided": np.linspace(0, 1, 60) ** 0.45})


def policies(*rows: tuple[str, float, float, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["policy", "good_refused", "defaults_avoided", "verdict"])


MANY = policies(
    ("Approve all", 0.0, 0.0, "not shown"), ("F2 threshold", 0.69, 0.91, "not shown"), ("Profit threshold", 0.0, 0.0, "not shown"),
    ("Capacity threshold", 0.07, 0.19, "depends"), ("Expected profit", 0.26, 0.29, "shown"), ("Risk cut-off", 0.2, 0.45, "not shown"),
    ("Required return", 0.555, 0.551, "depends"), ("Limits combined", 0.26, 0.29, "shown"), ("Cap on DTI", 0.004, 0.015, "not shown"),
)  # fmt: skip


def named(points: pd.DataFrame) -> tuple[list[str], list[AnnotationBbox]]:
    axes = plot_frontier(CURVE, points=points).axes[0]
    labels = [one for one in axes.get_children() if isinstance(one, AnnotationBbox)]
    return [text.get_text() for label in labels for text in label.offsetbox.findobj(TextArea)], labels


def test_every_policy_is_named_once():
    told = " ".join(named(MANY)[0])
    for name in MANY["policy"]:
        assert told.count(name) == 1


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_no_label_hides_another_or_a_dot(shift: float):
    points = MANY.assign(good_refused=(MANY["good_refused"] + shift).clip(upper=1))
    labels = named(points)[1]
    axes = labels[0].axes
    boxes = []
    for label in labels:
        label.get_window_extent()
        boxes.append(label.offsetbox.get_window_extent())
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    dots = axes.transData.transform(points[["good_refused", "defaults_avoided"]])
    assert not any(box.contains(*dot) for box in boxes for dot in dots)
    frame = axes.figure.bbox
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)


def test_a_verdict_has_one_look_and_only_those_drawn_are_explained():
    legend = plot_frontier(CURVE, points=MANY[MANY["verdict"] != "depends"]).axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["gain shown", "gain not shown"]
    assert len({look["color"] for look in VERDICTS.values()}) == len(VERDICTS)
