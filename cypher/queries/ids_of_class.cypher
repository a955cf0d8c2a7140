// name:     ids_of_class
// reads:    the ids of the records of a class and its subclasses
MATCH (n:{{label}})
RETURN n.object_id AS id
ORDER BY id
