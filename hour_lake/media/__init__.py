"""Decode, probe, cut and resample: bytes in, arrays out; no Dagster, no lake, no configuration, no clock."""
