// name:     recorded_ids
// reads:    the ids of all records of a kind: entities, activities, or notes
MATCH (n:{{label}})
RETURN n.{{key}} AS id
ORDER BY id
