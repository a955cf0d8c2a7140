// name:     create_references
// writes:   edges from statements to the statements that they name
UNWIND $rows AS row
MATCH (s:Statement {statement_id: row.source})
MATCH (t:Statement {statement_id: row.target})
CREATE (s)-[:{{role}}]->(t)
