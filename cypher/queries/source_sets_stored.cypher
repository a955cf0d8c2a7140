// name:     source_sets_stored
// reads:    sets of sources of which the store has the identifiers, those within one of these atoms; the smallest first
UNWIND $atoms AS atom
MATCH (n:Entity {within: atom})
WHERE n:Segment
RETURN n.source_set AS key, n.atoms AS atoms, n.columns AS columns, n.n AS n, n.info AS info
ORDER BY n
LIMIT 1000
