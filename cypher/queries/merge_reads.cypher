// name:     merge_reads
// writes:   which columns a criterion looks at
UNWIND $rows AS row
MATCH (a:SourceAtom {atom: row.atom})
MATCH (c:Column {origin_key: row.origin})
MERGE (a)-[:READS]->(c)
