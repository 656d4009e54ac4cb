package job

// Request is what a job asks the provider for.
type Request struct {
	Model  string
	Inputs Inputs
	// PromptInput is the name of the input that holds the prompt; "" where none does.
	PromptInput string
	// SeedDrawn says that the seed is one that we drew for this job alone.
	SeedDrawn bool
}

// Request is what the job asks for.
func (j *Job) Request() Request {
	return Request{Model: j.Model, Inputs: j.Inputs, PromptInput: j.PromptInput, SeedDrawn: j.SeedDrawn}
}

// Seed is the seed that is sent, as text, or "" where none is.
func (r Request) Seed() string { return r.Inputs.seed() }
