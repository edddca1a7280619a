"""The columns of a work list, their heads and kinds; by itself, since pages read it too."""

IN_DEFAULT = "in default"
PEOPLES = ("owner", "status", "due_date", "note")  # what people fill in
STATUSES = ("open", "contacted", "promise to pay", "offer made", "arrangement agreed", "no contact", "legal", "done")
# Each column with its head in words.
HEADS = {
    "rank": "Rank", "loan_id": "Loan", "light": "Light", "since": "Light since", "reasons": "Reasons", "exposure": "Exposure",
    "days_past_due": "Days past due", "days_past_due_as_of": "Days past due known in", "pd_12_months": "Default within 12 months",
    "expected_loss": "Expected loss", "could_save": "Acting could save", "changed": "Changed since last month",
    "offer": "Offer that fits", "expected_cost": "Expected cost to the lender", "owner": "Owner", "status": "Status",
    "due_date": "Due date", "note": "Note",
}  # fmt: skip
COLUMNS = tuple(HEADS)
MONEY = ("exposure", "expected_loss", "could_save", "expected_cost")
COUNTS = ("rank", "days_past_due")
RATES = ("pd_12_months",)
