"""Target processing: what is out of date and why, and making it again with the least work (data lineage paper, section 5.1)."""
