// name:     twins
// reads:    object ids that more than one node has
MATCH (n:Entity)
WITH n.object_id AS id, count(*) AS times
WHERE times > 1
RETURN id AS id, times AS times
LIMIT 10
