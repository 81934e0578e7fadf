"""When and where assets run: jobs, sensors, executors."""
