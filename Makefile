.PHONY: demo test dev check bench
