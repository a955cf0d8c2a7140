// name:     page_of_class_named
// reads:    the records of a class and its subclasses with a name that contains a text, after a place, newest first
MATCH (n:{{label}})<-[:ABOUT]-(t:Note)
WHERE n.deleted IS NULL AND t.kind = 'name' AND toLower(t.value) CONTAINS $name
  AND (n.created < $created OR (n.created = $created AND n.object_id < $object_id))
WITH DISTINCT n
RETURN properties(n) AS properties
ORDER BY n.created DESC, n.object_id DESC
LIMIT $limit
