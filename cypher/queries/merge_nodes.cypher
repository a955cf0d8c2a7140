// name:     merge_nodes
// writes:   agents, columns and attribute names: one node for each key, whoever comes first
UNWIND $rows AS row
MERGE (n:{{label}} {{{key}}: row.key})
ON CREATE SET n += row.properties
