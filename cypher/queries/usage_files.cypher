// name:     usage_files
// reads:    the files of objects of a class
MATCH (n:{{label}})-[r:WAS_DERIVED_FROM]->(f:Entity)
WHERE r.role = 'file' AND f.digest IS NOT NULL
RETURN n.object_id AS id, f.object_id AS file, f.digest AS digest, f.size AS size
