"""The commands that serve: score, watch, serve, promote, export, track, mlflow and dossier."""
