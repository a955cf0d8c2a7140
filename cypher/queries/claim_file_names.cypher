// name:     claim_file_names
// writes:   which bytes have which file name in the survey, whoever comes first; and what that is now
UNWIND $rows AS row
MERGE (n:FileName {name: row.name})
ON CREATE SET n.digest = row.digest
RETURN n.name AS name, n.digest AS digest
