// name:     constraints_neo4j
// engine:   neo4j
// writes:   what makes keys unique and look-ups fast
CREATE CONSTRAINT entity_object_id IF NOT EXISTS FOR (n:Entity) REQUIRE n.object_id IS UNIQUE;
CREATE CONSTRAINT entity_repeat IF NOT EXISTS FOR (n:Entity) REQUIRE (n.project, n.lineage_key, n.repeat) IS UNIQUE;
CREATE CONSTRAINT activity_activity_id IF NOT EXISTS FOR (n:Activity) REQUIRE n.activity_id IS UNIQUE;
CREATE CONSTRAINT agent_agent_id IF NOT EXISTS FOR (n:Agent) REQUIRE n.agent_id IS UNIQUE;
CREATE CONSTRAINT note_note_id IF NOT EXISTS FOR (n:Note) REQUIRE n.note_id IS UNIQUE;
CREATE CONSTRAINT column_origin_key IF NOT EXISTS FOR (n:Column) REQUIRE n.origin_key IS UNIQUE;
CREATE CONSTRAINT attribute_name_name IF NOT EXISTS FOR (n:AttributeName) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT source_atom_atom IF NOT EXISTS FOR (n:SourceAtom) REQUIRE n.atom IS UNIQUE;
CREATE CONSTRAINT file_name_name IF NOT EXISTS FOR (n:FileName) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT source_set_source_set IF NOT EXISTS FOR (n:SourceSet) REQUIRE n.source_set IS UNIQUE;
CREATE CONSTRAINT survey_only IF NOT EXISTS FOR (n:Survey) REQUIRE n.only IS UNIQUE;
CREATE INDEX entity_lineage_key IF NOT EXISTS FOR (n:Entity) ON (n.lineage_key);
CREATE INDEX entity_identity IF NOT EXISTS FOR (n:Entity) ON (n.identity);
CREATE INDEX entity_source_set IF NOT EXISTS FOR (n:Entity) ON (n.source_set);
CREATE INDEX entity_within IF NOT EXISTS FOR (n:Entity) ON (n.within);
CREATE INDEX entity_digest IF NOT EXISTS FOR (n:Entity) ON (n.digest);
CREATE INDEX source_set_fingerprint IF NOT EXISTS FOR (n:SourceSet) ON (n.fingerprint);
CREATE INDEX note_value IF NOT EXISTS FOR (n:Note) ON (n.value)
