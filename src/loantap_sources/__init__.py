"""Where loans lie beside files: DB2 drops, Databricks and other SQL databases; merged, kept in a warehouse, counted there."""
