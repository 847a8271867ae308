"""The archive catalogue: a Django application with one model, which Django's own admin shows."""
