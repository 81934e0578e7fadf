"""The documented HTTP API below /api/v1, one file for each tag of its definition."""
