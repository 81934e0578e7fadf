"""What a change of the lake means: facts, gates and datasets of two commits held side by side; no Dagster, no media."""
