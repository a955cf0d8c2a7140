// name:     made_by_recipe
// reads:    ids of what was made in calls inside those that followed a recipe
MATCH (c:Entity {object_id: $id})<-[:HAD_PLAN]-(a:Activity)<-[:WAS_INFORMED_BY*1..{{depth}}]-(b:Activity)<-[:WAS_GENERATED_BY]-(n:Entity)
RETURN DISTINCT n.object_id AS object_id
