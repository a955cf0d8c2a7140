// name:     entities_by_name
// reads:    what carries this name, the newest statement first
MATCH (t:Note {value: $name})
WHERE t.kind = 'name'
MATCH (t)-[:ABOUT]->(n:Entity)
RETURN properties(n) AS properties, t.recorded AS recorded
ORDER BY recorded DESC
