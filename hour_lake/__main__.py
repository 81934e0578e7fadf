"""`python -m hour_lake` is `hour-lake`."""

from hour_lake.cli import main

main()
