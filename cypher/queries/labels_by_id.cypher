// name:     labels_by_id
// reads:    the labels of records
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
RETURN id AS id, labels(n) AS labels
