// name:     usage_derived
// reads:    when something was made from objects of a class, and as what they served
MATCH (n:{{label}})<-[r:WAS_DERIVED_FROM]-(m:Entity)
WHERE r.role <> 'revision'
RETURN n.object_id AS id, r.role AS role, m.object_id AS made, m.created AS at
