// name:     recorded_edges
// reads:    the edges that leave these records, without those of the index
UNWIND $ids AS id
MATCH (n:{{label}} {{{key}}: id})-[r:WAS_DERIVED_FROM|WAS_GENERATED_BY|USED|WAS_INFORMED_BY|WAS_ASSOCIATED_WITH|WAS_ATTRIBUTED_TO|ACTED_ON_BEHALF_OF|HAD_PLAN|ABOUT|HOLDS]->(m)
RETURN id AS source, type(r) AS relation, coalesce(m.object_id, m.activity_id, m.note_id, m.agent_id, m.origin_key) AS target,
  properties(r) AS properties
