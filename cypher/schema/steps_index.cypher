// name:     steps_index
// engine:   embedded
// writes:   what makes the steps of a large plan quick to find in a scratch graph
CREATE INDEX step_id IF NOT EXISTS FOR (step:Step) ON (step.id)
