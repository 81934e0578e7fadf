"""Composing, publishing and reading datasets; no Dagster."""
