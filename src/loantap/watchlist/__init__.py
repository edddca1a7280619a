"""Early warning of live borrowers: lights, buckets and transitions, hazards, offers, back-test and drift."""
