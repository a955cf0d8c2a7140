"""Random dependency graphs of all operators against the reference: at length by `scripts/fuzz`, a few in every run of the tests."""
