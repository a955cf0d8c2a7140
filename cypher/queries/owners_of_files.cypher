// name:     owners_of_files
// reads:    the files that have these bytes, and what is derived from each, as what
UNWIND $digests AS digest
MATCH (f:Entity {digest: digest})
WHERE f:StoredFile
OPTIONAL MATCH (f)<-[r:WAS_DERIVED_FROM]-(m:Entity)
RETURN f.object_id AS file, f.digest AS digest, f.size AS size, m.object_id AS id, r.role AS role
