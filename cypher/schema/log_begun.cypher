// name:     log_begun
// reads:    what the graph says of its survey: log_begun, since when there is an audit log
MATCH (s:Survey {only: 'survey'})
RETURN properties(s) AS properties
