// name:     mark_log_begun
// writes:   that there is an audit log from now on
MATCH (s:Survey {only: 'survey'})
SET s.log_begun = $at
