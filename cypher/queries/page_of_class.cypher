// name:     page_of_class
// reads:    the records of a class and its subclasses after a place in the order newest first
MATCH (n:{{label}})
WHERE n.deleted IS NULL AND (n.created < $created OR (n.created = $created AND n.object_id < $object_id))
RETURN properties(n) AS properties
ORDER BY n.created DESC, n.object_id DESC
LIMIT $limit
