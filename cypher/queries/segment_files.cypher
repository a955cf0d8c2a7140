// name:     segment_files
// reads:    the files of all registered segments
MATCH (n:Segment)
RETURN n.file AS file
