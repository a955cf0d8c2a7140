// name:     calculations_measured
// reads:    the calls that calculated with these definitions: on how many sources, and how long that took (the whole call, where nobody measured more)
UNWIND $ids AS id
MATCH (d:Entity {object_id: id})<-[:HAD_PLAN]-(a:Activity)
WHERE a.calculated > 0
RETURN d.object_id AS definition, a.calculated AS calculated,
  coalesce(a.calculating, a.seconds) AS seconds, a.ended AS ended
ORDER BY ended DESC
LIMIT 1000
