"""What Hour Lake costs, as ratios against a bare baseline measured in the same run."""
