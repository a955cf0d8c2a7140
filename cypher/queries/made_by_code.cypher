// name:     made_by_code
// reads:    ids of what was made by a version of code: by calls of it, and by calls that it was called in
MATCH (c:Entity {object_id: $id})<-[:HAD_PLAN]-(a:Activity)-[:WAS_INFORMED_BY*0..{{depth}}]->(b:Activity)<-[:WAS_GENERATED_BY]-(n:Entity)
RETURN DISTINCT n.object_id AS object_id
