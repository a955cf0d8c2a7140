// name:     record_ids
// engine:   embedded
// reads:    the engine's own ids of nodes, valid until a label changes; only its bulk loader takes them
UNWIND $keys AS key
MATCH (n:{{label}} {{{key}}: key})
RETURN key AS key, elementId(n) AS id
