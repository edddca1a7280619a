-- Quarto runs this before it renders the project's own folder, which holds no results: say what renders a run's report.
io.stderr:write(
  "\nThe report shows the results of a run, and is rendered from the run's folder. Render it with:\n\n"
    .. "  loantap report runs/NAME\n\nIt takes Quarto where it is installed, and needs nothing of this folder. Nothing was rendered.\n"
)
os.exit(1)
