// name:     edge_type
// engine:   embedded
// writes:   nothing that stays, but the engine then knows the type of edge, which its bulk loader asks for
CREATE (m:ImportMarker {import_id: ''})
CREATE (m)-[:{{relation}}]->(m)
DETACH DELETE m
