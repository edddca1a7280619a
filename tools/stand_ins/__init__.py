"""Stand-ins for services that LoanTap talks to, for demonstrations and tests on one machine."""
