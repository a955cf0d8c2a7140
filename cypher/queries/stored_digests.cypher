// name:     stored_digests
// reads:    the digests of the files of all data objects
MATCH (n:StoredFile)
RETURN DISTINCT n.digest AS digest
