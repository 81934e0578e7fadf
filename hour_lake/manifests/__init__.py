"""Manifests and the pointers in them: reading, checking, fetching; no Dagster, no lake."""
