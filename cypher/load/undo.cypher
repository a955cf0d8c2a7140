// name:     undo
// writes:   some nodes of a bulk load away, with their edges; run until none is left
MATCH (n:{{label}} {import_id: $import_id})
WITH n
LIMIT $most
DETACH DELETE n
RETURN count(n) AS removed
