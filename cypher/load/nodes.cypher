// name:     nodes
// writes:   one node for each row
UNWIND $rows AS row
CREATE (n:{{labels}})
SET n += row
