// name:     create_entities
// writes:   one node for each row, with the labels of its class and all classes inherited
UNWIND $rows AS row
CREATE (n:{{labels}} {object_id: row.object_id})
SET n += row.properties
