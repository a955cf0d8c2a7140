"""PROV documents in a survey: imported whole or not at all, kept statement by statement, read back and exported."""
