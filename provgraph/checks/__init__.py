"""Provenance policies: what must be true of lineages, written in a file, checked, and kept as provenance itself."""
