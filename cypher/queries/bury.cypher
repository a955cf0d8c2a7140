// name:     bury
// writes:   that these objects are deleted: index, the statement about them is the record
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
SET n.deleted = true
RETURN count(n) AS buried
