// name:     identifiers_given
// reads:    what was published, and under which identifiers
MATCH (t:Note)
WHERE t.kind = 'identifier'
MATCH (t)-[:ABOUT]->(n:Entity)
RETURN DISTINCT n.object_id AS id
ORDER BY id
