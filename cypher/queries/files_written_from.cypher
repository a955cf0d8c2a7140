// name:     files_written_from
// reads:    files that were written from a collection, oldest first
MATCH (n:Entity)-[:WAS_DERIVED_FROM {role: 'exported'}]->(c:Entity {object_id: $id})
WHERE n:ExportedFile
RETURN properties(n) AS properties
ORDER BY n.created
