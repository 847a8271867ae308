"""A legacy system that means harm: pages with full script, endpoints that keep what they get, answers that show the
password in every way that an answer has."""
