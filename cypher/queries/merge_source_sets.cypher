// name:     merge_source_sets
// writes:   one node for each set of sources, by which equal ones are found
UNWIND $rows AS row
MERGE (n:SourceSet {source_set: row.key})
ON CREATE SET n.atoms = row.atoms, n.space = row.space, n.fingerprint = row.fingerprint
