"""The lake on a lakeFS server, by the `lakefs` package (its vendor calls the older `lakefs-client` end of life)."""
