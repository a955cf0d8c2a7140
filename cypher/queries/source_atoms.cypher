// name:     source_atoms
// reads:    what these atoms of sets of sources mean
UNWIND $atoms AS atom
MATCH (n:SourceAtom {atom: atom})
RETURN n.atom AS atom, n.kind AS kind, n.meaning AS meaning, n.space AS space
