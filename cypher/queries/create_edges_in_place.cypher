// name:     create_edges_in_place
// writes:   one edge for each row, from effect to cause, with the role of the cause and its place among those of this role
UNWIND $rows AS row
MATCH (a:{{source_label}} {{{source_key}}: row.source})
MATCH (b:{{target_label}} {{{target_key}}: row.target})
CREATE (a)-[r:{{relation}} {role: row.role, index: row.index}]->(b)
RETURN count(r) AS written
