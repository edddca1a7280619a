"""What the lender does: policy limits with their price, and early warning on live loans."""
