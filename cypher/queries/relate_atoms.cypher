// name:     relate_atoms
// writes:   that one criterion implies, or excludes, another
UNWIND $rows AS row
MATCH (a:SourceAtom {atom: row.one})
MATCH (b:SourceAtom {atom: row.other})
MERGE (a)-[:{{relation}}]->(b)
