// name:     create_relations
// writes:   further edges between things, from effect to cause, each with the statement that says so
UNWIND $rows AS row
MATCH (a:Thing {thing_id: row.source})
MATCH (b:Thing {thing_id: row.target})
CREATE (a)-[:{{relation}} {statement: row.statement}]->(b)
