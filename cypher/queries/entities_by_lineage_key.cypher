// name:     entities_by_lineage_key
// reads:    what a project has of these keys, newest repeat first
UNWIND $keys AS key
MATCH (n:Entity {lineage_key: key})
WHERE n.project = $project
RETURN properties(n) AS properties
ORDER BY n.repeat DESC
