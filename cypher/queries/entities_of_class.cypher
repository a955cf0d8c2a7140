// name:     entities_of_class
// reads:    the records of a class and its subclasses, newest first; what is deleted where asked for
MATCH (n:{{label}})
WHERE n.created <= $before AND ($deleted OR n.deleted IS NULL)
RETURN properties(n) AS properties
ORDER BY n.created DESC, n.object_id DESC
LIMIT $limit
