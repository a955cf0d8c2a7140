// name:     entities_by_id
// reads:    records by id
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
RETURN properties(n) AS properties
