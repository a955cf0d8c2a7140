// name:     await_indexes
// engine:   neo4j
// reads:    nothing; returns when the indexes answer
CALL db.awaitIndexes(120)
