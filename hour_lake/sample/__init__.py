"""A small corpus of a talking presenter, made offline and the same each time, with its truth."""
