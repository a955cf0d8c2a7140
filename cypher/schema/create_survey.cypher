// name:     create_survey
// writes:   the node that says which survey this graph holds, whoever comes first
MERGE (s:Survey {only: 'survey'})
ON CREATE SET s.survey_id = $survey_id, s.schema_version = $schema_version, s.created = $created
RETURN s.survey_id AS survey_id, s.schema_version AS schema_version
