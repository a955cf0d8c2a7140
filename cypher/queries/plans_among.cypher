// name:     plans_among
// reads:    which of these entities were the plan of a call
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
WHERE EXISTS { MATCH (n)<-[:HAD_PLAN]-(:Activity) }
RETURN id AS id
