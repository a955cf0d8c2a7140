// name:     create_arguments
// writes:   further edges from statements to the things that they name
UNWIND $rows AS row
MATCH (s:Statement {statement_id: row.source})
MATCH (t:Thing {thing_id: row.target})
CREATE (s)-[:{{role}}]->(t)
