// name:     indexes_embedded
// engine:   embedded
// writes:   what makes look-ups fast; keys are unique by the write lock, since this engine's uniqueness constraint
//           refuses a label added to a node of the same transaction
CREATE INDEX entity_object_id IF NOT EXISTS FOR (n:Entity) ON (n.object_id);
CREATE INDEX entity_lineage_key IF NOT EXISTS FOR (n:Entity) ON (n.lineage_key);
CREATE INDEX entity_identity IF NOT EXISTS FOR (n:Entity) ON (n.identity);
CREATE INDEX entity_source_set IF NOT EXISTS FOR (n:Entity) ON (n.source_set);
CREATE INDEX entity_within IF NOT EXISTS FOR (n:Entity) ON (n.within);
CREATE INDEX entity_digest IF NOT EXISTS FOR (n:Entity) ON (n.digest);
CREATE INDEX activity_activity_id IF NOT EXISTS FOR (n:Activity) ON (n.activity_id);
CREATE INDEX agent_agent_id IF NOT EXISTS FOR (n:Agent) ON (n.agent_id);
CREATE INDEX note_note_id IF NOT EXISTS FOR (n:Note) ON (n.note_id);
CREATE INDEX note_value IF NOT EXISTS FOR (n:Note) ON (n.value);
CREATE INDEX column_origin_key IF NOT EXISTS FOR (n:Column) ON (n.origin_key);
CREATE INDEX attribute_name_name IF NOT EXISTS FOR (n:AttributeName) ON (n.name);
CREATE INDEX source_atom_atom IF NOT EXISTS FOR (n:SourceAtom) ON (n.atom);
CREATE INDEX file_name_name IF NOT EXISTS FOR (n:FileName) ON (n.name);
CREATE INDEX source_set_source_set IF NOT EXISTS FOR (n:SourceSet) ON (n.source_set);
CREATE INDEX source_set_fingerprint IF NOT EXISTS FOR (n:SourceSet) ON (n.fingerprint)
