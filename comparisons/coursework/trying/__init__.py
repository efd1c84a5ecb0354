"""What stands beside an engine in the sandbox when a student's tests are tried on it: it needs Python alone."""
