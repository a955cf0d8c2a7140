// name:     things_of_statements
// reads:    the things that statements name
UNWIND $ids AS id
MATCH (s:Statement {statement_id: id})-[]->(t:Thing)
RETURN DISTINCT t.thing_id AS thing
