"""Thin Dagster: read from the lake, call one function, write to the lake, report."""
