"""What is done and what is stale: paths in the lake, the steps of the flow, their fingerprints; no Dagster."""
