"""What a loan earns or loses, under assumptions said aloud, and the threshold that earns most."""

import numpy as np
import pandas as pd


def loan_profit(loans: pd.DataFrame, *, loss_given_default: float) -> np.ndarray:
    """Return the profit of each loan if it is granted, in currency, shape (n,).

    A repaid loan earns its scheduled interest, installment times term less amount: nobody repays early. A default
    loses `loss_given_default` of the amount. Neither recoveries nor early repayment nor the cost of money are in
    the data.

    Args:
        loans: Columns loan_amnt, installment (a month), term (months), default.
        loss_given_default: Share of the amount that a default loses, within 0 to 1.
    """
    interest = loans["installment"] * loans["term"] - loans["loan_amnt"]
    return np.where(loans["default"] == 1, -loss_given_default * loans["loan_amnt"], interest).astype(float)


def best_profit_threshold(probability: np.ndarray, profit: np.ndarray) -> float:
    """Return the probability at and above which refusing earns most; to be called on out-of-fold predictions only.

    Above 1 if granting every loan earns most.
    """
    order = np.argsort(probability, kind="stable")
    ascending = probability[order]
    first = np.append(0, np.flatnonzero(np.diff(ascending)) + 1)  # first loan of each run of equal probabilities
    granted = np.concatenate([[0.0], np.cumsum(profit[order])])
    options = np.append(granted[first], granted[-1])
    thresholds = np.append(ascending[first], np.nextafter(1.0, 2.0))
    return float(thresholds[int(options.argmax())])


def profit_table(
    probability: np.ndarray,
    profit: np.ndarray,
    amount: np.ndarray,
    thresholds: dict[str, float],
    *,
    repetitions: int,
    random_state: int,
) -> pd.DataFrame:
    """Return what each threshold earns, as a share of all money asked for.

    Args:
        probability: Calibrated probabilities of default, shape (n,).
        profit: Profit of each loan if granted, as from `loan_profit`.
        amount: Amount of each loan.
        thresholds: Thresholds by name; a loan is refused at and above its threshold.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.

    Returns:
        name, threshold, refused (share of the loans), profit (share of all money asked for) with ci_low and
        ci_high, and difference (from the first threshold's profit) with its ends: 95 % percentile bootstrap
        intervals over loans, the same draws for all.
    """
    granted = np.column_stack([probability < threshold for threshold in thresholds.values()])
    columns = np.column_stack([amount, granted * profit[:, np.newaxis]])
    rng, n = np.random.default_rng(random_state), len(profit)
    draws = np.array([np.bincount(rng.integers(0, n, n), minlength=n) @ columns for _ in range(repetitions)])
    total = columns.sum(axis=0)
    earned, drawn = total[1:] / total[0], draws[:, 1:] / draws[:, :1]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    difference_low, difference_high = np.quantile(drawn - drawn[:, :1], [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "name": list(thresholds),
            "threshold": list(thresholds.values()),
            "refused": 1 - granted.mean(axis=0),
            "profit": earned,
            "ci_low": low,
            "ci_high": high,
            "difference": earned - earned[0],
            "difference_low": difference_low,
            "difference_high": difference_high,
        }
    )
