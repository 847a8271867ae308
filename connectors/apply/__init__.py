"""`yimen apply`: a county described in a file, made true idempotently."""
