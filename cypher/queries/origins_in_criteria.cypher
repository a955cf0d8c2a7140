// name:     origins_in_criteria
// reads:    the columns that criteria look at
MATCH (:SourceAtom)-[:READS]->(c:Column)
RETURN DISTINCT c.origin_key AS origin
