"""Statistics of default: summaries, association, professions."""
