// name:     create_edges
// writes:   one edge for each row, from effect to cause
// note:     what an edge says stands in the CREATE of the statements beside this one: SET would write each edge twice
UNWIND $rows AS row
MATCH (a:{{source_label}} {{{source_key}}: row.source})
MATCH (b:{{target_label}} {{{target_key}}: row.target})
CREATE (a)-[r:{{relation}}]->(b)
RETURN count(r) AS written
