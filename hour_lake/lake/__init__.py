"""Versioned storage behind one interface: refs, commits, entries, transactions; no Dagster, no media."""
