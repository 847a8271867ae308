"""The legacy systems. Each is a server of its own with another real quirk; none of them knows Yimen."""
