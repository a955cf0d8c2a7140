// name:     create_edges
// writes:   one edge for each row, from effect to cause
UNWIND $rows AS row
MATCH (a:{{source_label}} {{{source_key}}: row.source})
MATCH (b:{{target_label}} {{{target_key}}: row.target})
CREATE (a)-[r:{{relation}}]->(b)
SET r += row.properties
RETURN count(r) AS written
