// name:     entities_of_class
// reads:    the records of a class and its subclasses, newest first
MATCH (n:{{label}})
WHERE n.created <= $before
RETURN properties(n) AS properties
ORDER BY n.created DESC, n.object_id DESC
LIMIT $limit
