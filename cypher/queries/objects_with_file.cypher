// name:     objects_with_file
// reads:    the data objects whose file has these bytes, oldest first, and what their file is
MATCH (f:Entity {digest: $digest})
WHERE f:StoredFile
MATCH (f)<-[r:WAS_DERIVED_FROM]-(n:Entity)
WHERE r.role = 'file' AND n:DataObject
RETURN properties(n) AS properties, properties(f) AS file
ORDER BY n.created
