"""Questions about the lake: DuckDB views over one commit, facts, gates; no Dagster."""
