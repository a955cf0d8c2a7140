// name:     statements_about
// reads:    the statements that speak of one thing alone: its declarations, and relations that leave the other end open
UNWIND $ids AS id
MATCH (t:Thing {thing_id: id})<-[:ABOUT]-(s:Statement)
RETURN DISTINCT s.statement_id AS statement
