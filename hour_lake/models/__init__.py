"""Weights and the networks that run on them: the registry, its checks, and one file a network."""
