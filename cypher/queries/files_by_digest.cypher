// name:     files_by_digest
// reads:    files read or written that have these bytes
MATCH (n:Entity {digest: $digest})
WHERE n:DataFile
RETURN properties(n) AS properties
ORDER BY n.created
