// name:     recorded_nodes
// reads:    records of a kind by id
UNWIND $ids AS id
MATCH (n:{{label}} {{{key}}: id})
RETURN id AS id, properties(n) AS properties
