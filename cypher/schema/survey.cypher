// name:     survey
// reads:    which survey this graph holds, and the version of its schema
MATCH (s:Survey {only: 'survey'})
RETURN s.survey_id AS survey_id, s.schema_version AS schema_version
