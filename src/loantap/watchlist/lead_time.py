"""For how long an alert stood before the default that it warned of."""

import numpy as np


def how_long(lights: np.ndarray, default_month: np.ndarray, lead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for how many months before the default the alerts stood that the first one in the horizon goes on from.

    A green month ends them. A month that is not judged, since the loan is late already or has no snapshot, does not.

    Args:
        lights: As in `measures.found`, of the k loans that defaulted, shape (k, m).
        default_month: The positions of their defaults, shape (k,).
        lead: Months from the first alert in the horizon to the default, 0 where there was none, shape (k,).

    Returns:
        The months, 0 without an alert; and whether the alerts may have begun earlier, since they stood in the first judged month.
    """
    at = np.arange(lights.shape[1])
    begun = np.where(lead > 0, default_month - lead, -1)[:, np.newaxis]
    green = np.where((lights == 0) & (at < begun), at, -1).max(axis=1, initial=-1)
    inside = (lights > 0) & (at <= begun) & (at > green[:, np.newaxis])
    first = np.where(inside.any(axis=1), inside.argmax(axis=1), default_month)
    return default_month - first, inside.any(axis=1) & (green < 0)


def quartiles(stood: np.ndarray, cut: np.ndarray) -> dict[str, float]:
    """Return stood_q1, stood_median, stood_q3 (months), and stood_cut: whether the median is a lower bound.

    Args:
        stood: Months that alerts stood before the defaults that they found.
        cut: Whether they may have stood longer.
    """
    if not len(stood):
        return dict.fromkeys(("stood_q1", "stood_median", "stood_q3"), float("nan")) | {"stood_cut": False}
    first, middle, third = map(float, np.quantile(stood, [0.25, 0.5, 0.75]))
    # The middle of values of which some are lower bounds is one itself if it moves when these are as large as can be.
    moved = np.median(np.where(cut, stood.max() + 1, stood)) != middle
    return {"stood_q1": first, "stood_median": middle, "stood_q3": third, "stood_cut": bool(moved)}
