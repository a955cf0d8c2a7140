// name:     create_nodes
// writes:   activities and notes, one node for each row
UNWIND $rows AS row
CREATE (n:{{label}})
SET n += row.properties
RETURN count(n) AS written
