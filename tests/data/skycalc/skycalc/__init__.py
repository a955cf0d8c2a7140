"""A small package of calculators, as an astronomer would publish it."""
