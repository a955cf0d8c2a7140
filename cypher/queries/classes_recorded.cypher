// name:     classes_recorded
// reads:    the recorded versions of persistent classes, oldest first
MATCH (n:ClassVersion)
RETURN properties(n) AS properties
ORDER BY n.created, n.object_id
