// name:     statements_by_id
// reads:    statements of imported documents
UNWIND $ids AS id
MATCH (s:Statement {statement_id: id})
RETURN properties(s) AS properties
