"""The frontier of a lending policy: defaults avoided against good customers declined, each policy named beside its dot."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, TextArea, VPacker
from matplotlib.patheffects import withStroke

from loantap.exhibits.plots.style import LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent

SHOWN, DEPENDS, NOT_SHOWN = "shown", "depends", "not shown"  # a test holds them to the verdicts of policies
_SIZE = (5.9, 4.3)  # inches: letters keep their size on a first screen of 560 pixels
_TEXT, _SMALL = 9.5, 8.5
_INK = "#1C2733"
_HALO = [withStroke(linewidth=3, foreground="white")]  # so that a line behind a word does not strike it out
# What a verdict looks like; a hollow dot is told from a full one without colours, too.
VERDICTS: dict[str, dict[str, Any]] = {
    SHOWN: {"color": "#2C7A4B"},
    DEPENDS: {"color": WARNING},
    NOT_SHOWN: {"color": NEUTRAL, "markerfacecolor": "white", "markeredgewidth": 1.8},
}
_TOLD = {SHOWN: "gain shown", DEPENDS: "gain depends on assumptions", NOT_SHOWN: "gain not shown"}
_NEAR = 0.03  # on both axes: dots that are closer share a label
_AWAY = (7, 14, 24, 38, 54, 72)  # points of the page from a dot to its label
_SIDES = ((1, 0), (0, -1), (1, -1), (-1, 0), (0, 1), (-1, 1), (1, 1), (-1, -1))


def plot_frontier(curve: pd.DataFrame, *, points: pd.DataFrame) -> Figure:
    """Draw the defaults avoided against the good customers declined along the model's thresholds, and each policy as a point."""
    with canvas(height=_SIZE[1]) as (figure, axes):
        figure.set_size_inches(_SIZE)
        line = curve.sort_values("good_refused")[["good_refused", "defaults_avoided"]].to_numpy()
        axes.plot([0, 1], [0, 1], color=NEUTRAL, linestyle=(0, (4, 3)), linewidth=1)
        axes.plot(*line.T, color=REPAID, linewidth=2)
        for name, rows in points.drop_duplicates(["good_refused", "defaults_avoided"]).groupby("verdict", sort=False):
            look: dict[str, Any] = {"ms": 8, "clip_on": False, "zorder": 4} | VERDICTS[str(name)]
            axes.plot(rows["good_refused"], rows["defaults_avoided"], "o", **look)
        axes.set(xlabel="Good customers declined", ylabel="Defaults avoided", xlim=(0, 1), ylim=(0, 1))
        axes.tick_params(labelsize=_TEXT)
        for axis in (axes.xaxis, axes.yaxis):
            axis.label.set_fontsize(_TEXT)
        percent(axes.xaxis, axes.yaxis)
        figure.draw_without_rendering()  # labels are measured on the page as it will be
        figure.set_layout_engine("none")
        diagonal = np.array([[0.0, 0.0], [1.0, 1.0]])
        taken = _Taken(axes, [line, diagonal], points[["good_refused", "defaults_avoided"]].to_numpy())
        _key(axes, taken, points["verdict"].unique().tolist())
        for names, spot, verdict in _spots(points):
            _label(axes, taken, names, spot, _INK if verdict == NOT_SHOWN else str(VERDICTS[verdict]["color"]))
        _along(axes, taken, "declining by risk", line, REPAID)
        _along(axes, taken, "declining at random", diagonal, NEUTRAL)
    return figure


class _Taken:
    """What of the page is taken, in pixels: lines, dots and labels."""

    def __init__(self, axes: Axes, lines: Sequence[np.ndarray], dots: np.ndarray) -> None:
        self.dots = axes.transData.transform(dots)
        dense = [np.column_stack([np.interp(np.linspace(0, len(one) - 1, 400), range(len(one)), one[:, side]) for side in (0, 1)]) for one in lines]  # fmt: skip
        self.lines = axes.transData.transform(np.concatenate(dense))
        self.frame = axes.get_window_extent()
        self.boxes: list[Any] = []

    def cost(self, box: Any) -> float:
        """Return how much a box would hide: nothing at 0; other labels and dots weigh most, lines least."""
        wide, frame = box.padded(2), self.frame
        hidden = sum(wide.overlaps(other) for other in self.boxes)
        dots, lines = (
            int(((points >= wide.min) & (points <= wide.max)).all(axis=1).sum()) for points in (self.dots, self.lines)
        )
        outside = box.x0 < frame.x0 or box.x1 > frame.x1 + 2 or box.y0 < frame.y0 or box.y1 > frame.y1
        return 1_000 * hidden + 1_000 * outside + 100 * dots + lines


def _spots(points: pd.DataFrame) -> Iterator[tuple[list[str], np.ndarray, str]]:
    """Yield the names, the place and the verdict of the policies that lie together; the first of them gives place and verdict."""
    left = points.to_dict("records")
    while left:
        first = left[0]
        spot = np.array([first["good_refused"], first["defaults_avoided"]])
        near = [one for one in left if (abs(spot - [one["good_refused"], one["defaults_avoided"]]) < _NEAR).all()]
        yield [str(one["policy"]) for one in near], spot, first["verdict"]
        left = [one for one in left if one not in near]


def _label(axes: Axes, taken: _Taken, names: list[str], spot: np.ndarray, colour: str) -> None:
    """Write a label where it hides least, as near to its dot as that allows, with a line to it where it is far."""
    look = {"color": colour, "path_effects": _HALO}
    first = TextArea(names[0], textprops={"fontsize": _TEXT, "fontweight": "bold", **look})
    pairs = [", ".join(names[start : start + 2]) for start in range(1, len(names), 2)]  # the others at the spot
    lines = [f"also {pair}" if place == 0 else pair for place, pair in enumerate(pairs)]
    also = [TextArea(line, textprops={"fontsize": _SMALL, **look}) for line in lines]

    def put(away: float, x: int, y: int) -> AnnotationBbox:
        reach, ends = (0.75 * away if x and y else away), {1: 0.0, 0: 0.5, -1: 1.0}
        line = {"arrowstyle": "-", "color": LIGHT, "linewidth": 1, "shrinkA": 0, "shrinkB": 5}
        box = VPacker(children=[first, *also], pad=0, sep=1, align="left" if x >= 0 else "right")
        return AnnotationBbox(
            box, tuple(spot), xybox=(x * reach, y * reach), boxcoords="offset points", box_alignment=(ends[x], ends[y]), frameon=False, pad=0,
            arrowprops=line if away > _AWAY[1] else None, annotation_clip=False, zorder=5,
        )  # fmt: skip

    tried = []
    for away in _AWAY:
        for x, y in _SIDES:
            one = axes.add_artist(put(away, x, y))
            tried.append((taken.cost(_box(one)) + away / 2, away, x, y))
            one.remove()
    _, away, x, y = min(tried, key=lambda one: one[0])
    taken.boxes.append(_box(axes.add_artist(put(away, x, y))))


def _box(label: Any) -> Any:
    label.get_window_extent()  # which puts it in its place
    return label.offsetbox.get_window_extent()


def _along(axes: Axes, taken: _Taken, text: str, line: np.ndarray, colour: str) -> None:
    """Write what a line is along it, at the place where that hides least."""
    pixels = axes.transData.transform(line)
    steps = np.r_[0, np.cumsum(np.hypot(*np.diff(pixels, axis=0).T))]

    def put(x: float, y: float, angle: float, side: int) -> Any:
        spot: Any = axes.transData.inverted().transform((x, y))
        shift: Any = 8 * np.array([-np.sin(np.radians(angle)), np.cos(np.radians(angle))]) * side
        return axes.annotate(
            text, spot, xytext=shift, textcoords="offset points", fontsize=_SMALL, color=colour,
            rotation=angle, rotation_mode="anchor", ha="center", va="center", path_effects=_HALO,
        )  # fmt: skip

    tried = []
    for place in np.linspace(0.3, 0.9, 25):
        x, y, ahead_x, ahead_y = (
            np.interp(at * steps[-1], steps, pixels[:, side]) for at in (place, min(place + 0.08, 1)) for side in (0, 1)
        )
        angle = float(np.degrees(np.arctan2(ahead_y - y, ahead_x - x)))
        for side in (1, -1):
            one = put(x, y, angle, side)
            tried.append((taken.cost(one.get_window_extent()), (x, y, angle, side)))
            one.remove()
    _, best = min(tried, key=lambda one: one[0])
    taken.boxes.append(put(*best).get_window_extent())


def _key(axes: Axes, taken: _Taken, verdicts: Sequence[str]) -> None:
    """Say what the dots stand for, in the corner below the diagonal."""
    known = [name for name in VERDICTS if name in verdicts]
    for name in known:
        axes.plot([], [], "o", ms=8, label=_TOLD[name], **VERDICTS[name])
    legend = axes.legend(loc="lower right", fontsize=_SMALL, handletextpad=0.3, borderaxespad=0.2)
    taken.boxes.append(legend.get_window_extent())
