// name:     files_owned
// reads:    all files of objects, and what is derived from each, as what
MATCH (f:StoredFile)
OPTIONAL MATCH (f)<-[r:WAS_DERIVED_FROM]-(m:Entity)
RETURN f.object_id AS file, f.digest AS digest, f.size AS size, m.object_id AS id, r.role AS role
